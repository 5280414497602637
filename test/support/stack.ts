import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { dayStatuses } from '../../client/day-status.ts';
import { Database } from '../../database/database.ts';
import { startSampleApi, type SampleApi, type SampleApiOptions } from '../../dev/sample-api/server.ts';
import type { DayResult } from '../../domain/day.ts';
import type { RunOptions } from '../../domain/run-options.ts';
import type { DayStatus } from '../../schemas/documents.ts';
import { readWorkerSettings } from '../../worker/settings.ts';
import { startWorker, type RunningWorker } from '../../worker/start-worker.ts';
import type { salesIncrement } from '../../workflows/index.ts';
import { createTestDatabase, variable, type TestDatabase } from './database.ts';
import { Deliveries } from './deliveries.ts';
import { FAST_OPTIONS } from './fast-options.ts';
import { installRuntime } from './install-runtime.ts';

export interface StackOptions {
  api?: Partial<SampleApiOptions>;
  /** Settings of the worker, and of the processes that `environment` is for. */
  settings?: Record<string, string>;
  /** False: the test starts workers itself. */
  worker?: boolean;
}

type DayOptions = Partial<RunOptions> & { files?: string[] };

async function startParts({ api }: StackOptions) {
  const address = variable('TEMPORAL_ADDRESS');
  const deliveries = new Deliveries();
  const [sampleApi, db, nativeConnection, connection, landingDir] = await Promise.all([
    startSampleApi({ source: deliveries, ...api }),
    createTestDatabase(),
    NativeConnection.connect({ address }),
    Connection.connect({ address }),
    mkdtemp(path.join(tmpdir(), 'landing-')),
  ]);
  return { deliveries, api: sampleApi, db, nativeConnection, client: new Client({ connection }), landingDir };
}

/** The whole product for one test: real Temporal, real PostgreSQL, real HTTP, a worker in this process. */
export class TestStack {
  readonly deliveries: Deliveries;
  readonly api: SampleApi;
  readonly db: TestDatabase;
  readonly client: Client;
  readonly taskQueue = `test-${randomBytes(6).toString('hex')}`;
  readonly landingDir: string;
  /** For child processes: what a worker or a client needs. */
  readonly environment: Record<string, string>;
  readonly #connection: NativeConnection;
  readonly #workers = new Set<RunningWorker>();

  private constructor(parts: Awaited<ReturnType<typeof startParts>>, settings: StackOptions['settings']) {
    const { deliveries, api, db, client, nativeConnection, landingDir } = parts;
    this.deliveries = deliveries;
    this.api = api;
    this.db = db;
    this.client = client;
    this.landingDir = landingDir;
    this.#connection = nativeConnection;
    this.environment = {
      REPORT_API_URL: api.url,
      REPORT_API_KEY: 'sample-key',
      REPORT_API_NICKNAME: 'sample',
      REPORT_API_COHORT: '1',
      REPORT_POLL_INTERVAL: '50ms',
      FILES_TIMEOUT: '5s',
      DATABASE_URL: db.url,
      TEMPORAL_ADDRESS: variable('TEMPORAL_ADDRESS'),
      TEMPORAL_TASK_QUEUE: this.taskQueue,
      LANDING_DIR: landingDir,
      ...settings,
    };
  }

  static async start(options: StackOptions = {}): Promise<TestStack> {
    installRuntime();
    const stack = new TestStack(await startParts(options), options.settings);
    if (options.worker ?? true) await stack.startWorker();
    return stack;
  }

  /** One more worker in this process; stopped with the stack. */
  async startWorker(settings: Record<string, string> = {}): Promise<RunningWorker> {
    const worker = await startWorker(readWorkerSettings({ ...this.environment, ...settings }), {
      connection: this.#connection,
      namespace: 'default',
      onWarning: () => undefined,
    });
    this.#workers.add(worker);
    worker.stopped.catch(() => undefined);
    return worker;
  }

  /** Starts the workflow of a date, or of some files of it; `id` makes it another workflow than the usual one. */
  async startDay(loadDate: string, { files, ...options }: DayOptions = {}, id = loadDate) {
    return await this.client.workflow.start<typeof salesIncrement>('salesIncrement', {
      workflowId: `${this.taskQueue}-${id}`,
      taskQueue: this.taskQueue,
      args: [{ loadDate, ...(files && { files }), options: { ...FAST_OPTIONS, ...options } }],
    });
  }

  /** Loads a date and waits. */
  async runDay(loadDate: string, options: DayOptions = {}, id = loadDate): Promise<DayResult> {
    return await (await this.startDay(loadDate, options, id)).result();
  }

  async rows<R extends object = Record<string, unknown>>(
    query: string,
    values: unknown[] = [],
  ): Promise<R[]> {
    return (await this.db.pool.query<R>(query, values)).rows;
  }

  /** What `status` shows of a date; whether a run is open, only with a client of Temporal. */
  async status(loadDate: string, client?: Client): Promise<DayStatus> {
    const [day] = await dayStatuses(new Database(this.db.pool), client, loadDate, loadDate);
    if (day === undefined) throw new Error(`${loadDate} has no status.`);
    return day;
  }

  async stopWorkers(): Promise<void> {
    for (const worker of this.#workers) worker.stop();
    await Promise.allSettled([...this.#workers].map((worker) => worker.stopped));
    this.#workers.clear();
  }

  async close(): Promise<void> {
    await this.stopWorkers();
    await this.#connection.close();
    await this.client.connection.close();
    await this.api.close();
    await this.db.drop();
    await rm(this.landingDir, { recursive: true, force: true });
  }
}
