import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, answerOf, json } from './answer.ts';
import { Api, type ApiEndpoint, endpointOf } from './api.ts';
import type { DeliverySource } from './delivery.ts';
import { type Fault, type FaultAction, type FaultQuery, Faults } from './faults.ts';
import { listen } from './local-server.ts';
import { type Readiness, Reports } from './reports.ts';
import { send } from './send.ts';
import { Storage } from './storage.ts';

export type { Delivery, DeliverySource, FileContent } from './delivery.ts';
export type { Fault, FaultAction } from './faults.ts';

export interface SampleApiOptions {
  source: DeliverySource;
  /** Default 0: any free port. */
  port?: number;
  storagePort?: number;
  /** Defaults `sample-key`, `sample` and `1`: a request with other headers is answered 401. */
  apiKey?: string;
  nickname?: string;
  cohort?: string;
  /** How many get_report calls answer RUNNING before SUCCESS (1), and for how long they do at least (0 ms). */
  pollsUntilReady?: number;
  readyAfterMs?: number;
  /** The HTTP status that goes with NOT FOUND (200). */
  notFoundStatus?: 200 | 404;
  faults?: readonly Fault[];
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
  /** The kind of the fault that the request met. */
  fault: FaultAction['kind'] | null;
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

/** Starts the report API and its storage, each on an address of its own. */
export async function startSampleApi(options: SampleApiOptions): Promise<SampleApi> {
  const { source, apiKey = 'sample-key', nickname = 'sample', cohort = '1', notFoundStatus = 200 } = options;
  const { pollsUntilReady = 1, readyAfterMs = 0 } = options;
  const requests: RecordedRequest[] = [];
  const faults = new Faults();
  for (const fault of options.faults ?? []) faults.add(fault);
  const storage = new Storage();
  const reports = new Reports({ pollsUntilReady, readyAfterMs });
  const api = new Api({ source, apiKey, nickname, cohort, notFoundStatus }, reports, storage);

  const serve = async (
    req: IncomingMessage,
    res: ServerResponse,
    endpoint: RecordedRequest['endpoint'],
    call: Call,
  ): Promise<void> => {
    const recorded = record(req, endpoint);
    requests.push(recorded);
    res.once('close', () => options.onRequest?.(recorded));
    const refusal = await call.refuse();
    const action = refusal || !call.query ? null : faults.take(call.query);
    recorded.fault = action?.kind ?? null;
    if (action?.kind === 'hang') return;
    if (action?.kind === 'delay')
      await Promise.race([sleep(action.ms, null, { ref: false }), once(res, 'close')]);
    if (res.destroyed) return;
    const answer = refusal ?? (await answerOf(action)) ?? (await answerOrError(() => call.answer(action)));
    recorded.status = action?.kind === 'reset' && action.afterBytes === undefined ? null : answer.status;
    await send(res, answer, action);
  };

  const storageServer = await listen(options.storagePort ?? 0, async (req, res) => {
    const url = urlOf(req);
    const stored = storage.find(url.pathname);
    await serve(req, res, 'storage', {
      query: { on: 'storage', date: stored?.date, file: stored?.file },
      refuse: () => storage.refuse(req, url),
      answer: () => storage.answer(url.pathname),
    });
  });
  storage.url = storageServer.url;

  const apiServer = await listen(options.port ?? 0, async (req, res) => {
    const url = urlOf(req);
    const endpoint = endpointOf(url);
    await serve(req, res, endpoint ?? 'unknown', {
      query: endpoint && { on: endpoint, date: url.searchParams.get('date')?.slice(0, 10) },
      refuse: () => api.refuse(req, endpoint),
      answer: (action) =>
        endpoint
          ? api.answer(endpoint, url.searchParams, action)
          : json(404, { error: 'there is no such call' }),
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
    setReady: (readiness) => {
      reports.readiness = { ...reports.readiness, ...readiness };
    },
    close: async () => {
      await Promise.all([apiServer.close(), storageServer.close()]);
    },
  };
}

interface Call {
  query: FaultQuery | null;
  refuse(): Promise<Answer | null>;
  answer(action: FaultAction | null): Promise<Answer>;
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

/** A source that cannot deliver is the sample API's own failure: the caller is told the reason. */
async function answerOrError(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    return await json(500, { error: error instanceof Error ? error.message : String(error) });
  }
}

function urlOf(req: IncomingMessage): URL {
  return new URL(req.url ?? '/', 'http://sample');
}
