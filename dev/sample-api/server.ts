import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../domain/text.ts';
import { LOCALHOST } from '../services/ports.ts';
import { type Answer, answerOf, json } from './answer.ts';
import { Api, type ApiEndpoint, endpointOf } from './api.ts';
import { SAMPLE_CREDENTIALS } from './credentials.ts';
import type { DeliverySource } from './delivery.ts';
import { type Fault, type FaultQuery, Faults } from './faults.ts';
import { listen } from './local-server.ts';
import { type Readiness, Reports } from './reports.ts';
import { send } from './send.ts';
import { Storage } from './storage.ts';

export type { Delivery, DeliverySource, FileContent } from './delivery.ts';
export type { Fault, FaultAction } from './faults.ts';

export interface SampleApiOptions extends Partial<Readiness> {
  source: DeliverySource;
  /** In its addresses; unless it is the loopback address, the default, both listen on every address. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  storagePort?: number;
  /** That of SAMPLE_CREDENTIALS when not given: a request with another one is answered 401. */
  apiKey?: string;
  /** Called when a request is over: answered, or its connection gone. */
  onRequest?: (request: RecordedRequest) => void;
}

export interface RecordedRequest {
  server: 'api' | 'storage';
  method: string;
  /** With the query string. */
  path: string;
  endpoint: ApiEndpoint | 'storage' | 'unknown';
  headers: IncomingHttpHeaders;
  /** Milliseconds since 1970. */
  at: number;
  /** Null as long as no status was sent, and for ever when none ever was. */
  status: number | null;
  /** What the fault did that the request met. */
  fault: Fault['do'] | null;
}

export interface SampleApi {
  url: string;
  storageUrl: string;
  /** Every request so far, in the order they came in. */
  requests: RecordedRequest[];
  addFault(fault: Fault): void;
  clearFaults(): void;
  setReady(readiness: Partial<Readiness>): void;
  /** Stops both servers and destroys their open connections. */
  close(): Promise<void>;
}

/** Starts the report API and its storage, each on its own address. */
export async function startSampleApi(options: SampleApiOptions): Promise<SampleApi> {
  const requests: RecordedRequest[] = [];
  const faults = new Faults();
  const storage = new Storage();
  const { host = LOCALHOST, port = 0, storagePort = 0 } = options;
  const { apiKey = SAMPLE_CREDENTIALS.REPORT_API_KEY, pollsUntilReady = 1, readyAfterMs = 0 } = options;
  const reports = new Reports({ pollsUntilReady, readyAfterMs });
  const api = new Api(options.source, apiKey, reports, storage);

  const serve = async (req: IncomingMessage, res: ServerResponse, call: Call): Promise<void> => {
    const recorded = record(req, call.endpoint);
    requests.push(recorded);
    res.once('close', () => options.onRequest?.(recorded));
    const refusal = await call.refuse();
    const fault = refusal || !call.query ? null : faults.take(call.query);
    recorded.fault = fault?.do ?? null;
    if (fault?.do === 'hang') return;
    if (fault?.do === 'delay')
      await Promise.race([sleep(fault.ms, null, { ref: false }), once(res, 'close')]);
    if (res.destroyed) return;
    const answer = refusal ?? (await answerOf(fault)) ?? (await answerOrError(() => call.answer(fault)));
    recorded.status = fault?.do === 'reset' && fault.afterBytes === undefined ? null : answer.status;
    await send(res, answer, fault);
  };

  const storageServer = await listen(host, storagePort, async (req, res) => {
    const url = urlOf(req);
    const stored = storage.find(url.pathname);
    await serve(req, res, {
      endpoint: 'storage',
      query: { on: 'storage', date: stored?.date, file: stored?.file },
      refuse: () => storage.refuse(req, url),
      answer: () => storage.answer(url.pathname),
    });
  });
  storage.url = storageServer.url;

  const apiServer = await listen(host, port, async (req, res) => {
    const url = urlOf(req);
    const endpoint = endpointOf(url);
    await serve(req, res, {
      endpoint: endpoint ?? 'unknown',
      query: endpoint && { on: endpoint, date: url.searchParams.get('date')?.slice(0, 10) },
      refuse: () => api.refuse(req, endpoint),
      // Without an endpoint the request has been refused.
      answer: (fault) => api.answer(endpoint ?? 'get_report', url.searchParams, fault),
    });
  }).catch(async (error: unknown) => {
    await storageServer.close();
    throw error;
  });

  return {
    url: apiServer.url,
    storageUrl: storageServer.url,
    requests,
    addFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    setReady: (readiness) => Object.assign(reports.readiness, readiness),
    close: async () => {
      await Promise.all([apiServer.close(), storageServer.close()]);
    },
  };
}

interface Call {
  endpoint: RecordedRequest['endpoint'];
  query: FaultQuery | null;
  refuse(): Promise<Answer | null>;
  answer(fault: Fault | null): Promise<Answer>;
}

function record(req: IncomingMessage, endpoint: RecordedRequest['endpoint']): RecordedRequest {
  return {
    server: endpoint === 'storage' ? 'storage' : 'api',
    method: req.method ?? '',
    path: req.url ?? '',
    endpoint,
    headers: req.headers,
    at: Date.now(),
    status: null,
    fault: null,
  };
}

/** A source that cannot deliver is the sample API's own failure: its answer names the reason. */
async function answerOrError(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    return await json(500, { error: messageOf(error) });
  }
}

function urlOf(req: IncomingMessage): URL {
  return new URL(req.url ?? '/', 'http://sample');
}
