import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../domain/text.ts';
import { LOCALHOST } from '../services/ports.ts';
import { resetSocket } from '../services/reset-socket.ts';
import { SAMPLE_CREDENTIALS } from './credentials.ts';
import type { DeliverySource } from './delivery.ts';
import { type Asked, type Fault, Faults } from './faults.ts';
import { type Call, type Readiness, ReportApi } from './report-api.ts';
import { inPlace, json, send } from './send.ts';
import { BUCKET, Storage } from './storage.ts';

export type { Delivery, DeliverySource, FileContent } from './delivery.ts';
export type { Fault, FaultAction } from './faults.ts';

export interface SampleApiOptions extends Partial<Readiness> {
  source: DeliverySource;
  /** In its addresses; unless it is the loopback address, the default, it listens on every address. */
  host?: string;
  /** Any free one when not given. */
  port?: number;
  /** That of SAMPLE_CREDENTIALS when not given: a request with another one is answered 401. */
  apiKey?: string;
  /** Called when a request is over: answered, or its connection gone. */
  onRequest?: (request: RecordedRequest) => void;
}

export interface RecordedRequest {
  method: string;
  /** With the query string. */
  path: string;
  endpoint: Asked['endpoint'];
  headers: IncomingHttpHeaders;
  at: Date;
  /** Undefined as long as no status was sent, and for ever when none ever was. */
  status?: number;
}

export interface SampleApi {
  url: string;
  /** Every request so far, in the order they came in. */
  requests: RecordedRequest[];
  addFault(fault: Fault): void;
  clearFaults(): void;
  setReady(readiness: Partial<Readiness>): void;
  /** Stops listening and destroys open connections. */
  close(): Promise<void>;
}

/** Starts the report API and, at the same address, the storage of its files. */
export async function startSampleApi(options: SampleApiOptions): Promise<SampleApi> {
  const { source, host = LOCALHOST, port = 0, apiKey = SAMPLE_CREDENTIALS.REPORT_API_KEY } = options;
  const server = createServer().listen(port, host === LOCALHOST ? LOCALHOST : undefined);
  await once(server, 'listening');
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  const storage = new Storage(url);
  const { pollsUntilReady = 1, readyAfterMs = 0 } = options;
  const api = new ReportApi(source, apiKey, storage, { pollsUntilReady, readyAfterMs });
  const requests: RecordedRequest[] = [];
  const faults = new Faults();
  server.on('request', (req, res) => {
    req.resume();
    const { method = '', url: path = '', headers } = req;
    const call = path.startsWith(BUCKET) ? storage.call(req) : api.call(req);
    const recorded: RecordedRequest = { method, path, endpoint: call.endpoint, headers, at: new Date() };
    requests.push(recorded);
    res.once('close', () => options.onRequest?.(recorded));
    const fault = 'refusal' in call ? undefined : faults.take(call);
    serve(res, call, fault, recorded).catch(() => {
      res.destroy(); // the client has gone, or the answer cannot be finished
    });
  });
  return {
    url,
    requests,
    addFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    setReady: (readiness) => Object.assign(api.readiness, readiness),
    close: async () => {
      const closed = once(server, 'close');
      server.close().closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  res: ServerResponse,
  call: Call,
  fault: Fault | undefined,
  recorded: RecordedRequest,
): Promise<void> {
  if (fault?.do === 'hang') return;
  if (fault?.do === 'reset' && fault.afterBytes === undefined) {
    if (res.socket) resetSocket(res.socket);
    return;
  }
  if (fault?.do === 'delay') await Promise.race([sleep(fault.ms, null, { ref: false }), once(res, 'close')]);
  const answer =
    'refusal' in call
      ? call.refusal
      : // A source that cannot deliver is the sample API's own failure: its answer names the reason.
        (inPlace(fault) ??
        (await call.answer(fault).catch((error: unknown) => json(500, { error: messageOf(error) }))));
  if (res.destroyed) return;
  recorded.status = answer.status;
  await send(res, answer, fault);
}
