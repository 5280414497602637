import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import type { RunOptions } from '../../domain/day.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { createLogger } from '../../runtime/logger.ts';
import { NO_TRACING } from '../../runtime/tracing/start.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import { variable } from './database.ts';

Runtime.install({ logger: createLogger('ERROR'), shutdownSignals: [] });

const FEED_NAMES = FEEDS.map(({ name }) => name);

export const OPTIONS: RunOptions = {
  reportPollIntervalMs: 50,
  reportTimeoutMs: 60_000,
  filesTimeoutMs: 60_000,
  optionalFiles: [],
  maxRejectedShare: 0.1,
  lateAfterMs: 0,
  volumeAlertShare: 0,
};

/** The steps of a day that goes well; those of the landing directory have the queue of the run itself. */
function goodSteps(taskQueue: string): Activities {
  const plan = { options: OPTIONS, tagged: false, hasWebhook: true };
  const counts = { rows_read: 1, rows_kept: 1, rows_duplicate: 0, rows_rejected: 0 };
  const withOptions = (input: unknown) => ({
    ...plan,
    options: { ...OPTIONS, ...(input as { options?: Partial<RunOptions> }).options },
  });
  const done = () => Promise.resolve();
  return {
    planDay: (input) =>
      Promise.resolve({ ...withOptions(input), loadDate: (input as { loadDate: string }).loadDate }),
    planHistory: (input) => Promise.resolve(withOptions(input)),
    claimDay: () => Promise.resolve({ state: 'claimed', number: 1 }),
    generateReport: () => Promise.resolve('task'),
    getReport: (taskId) =>
      Promise.resolve({
        taskId,
        reportId: 'report',
        startDay: '2024-02-02',
        present: FEED_NAMES,
        missing: [],
      }),
    getIncrement: () => Promise.resolve({ found: true, number: 2, present: FEED_NAMES, missing: [] }),
    chooseLanding: () => Promise.resolve(taskQueue),
    pingLanding: done,
    landFile: (file) => Promise.resolve({ ...file, deliveryNumber: 3, bytes: 1, sha256: '0' }),
    checkFile: (file) =>
      Promise.resolve({
        ...file,
        rowsRead: 1,
        rowsRejected: 0,
        rowsSha256: '0',
        rejectedSha256: '0',
        warnings: [],
      }),
    stageFile: (file) => Promise.resolve({ ...file, counts, warnings: [], superseded: false }),
    updateDCity: done,
    updateDItem: done,
    updateDCustomer: done,
    updateFSales: () => Promise.resolve({ missing: [], volumeWarnings: [] }),
    recordFailure: done,
    recordNotFound: () => Promise.resolve({ outcome: 'no_increment', warnings: [] }),
    findOpenDays: () => Promise.resolve({ days: 0, first_date: null, last_date: null }),
    sendAlert: () => Promise.resolve('sent'),
    planBackfill: () => Promise.resolve({ ...plan, days: [], daysLeft: 0 }),
    recordBackfillDays: done,
    failBackfillDays: () => Promise.resolve(0),
  };
}

type StepName = keyof Activities;

/** Workflows on a real Temporal server, with steps that a test makes up: for what is about the order of steps and waits. */
export class FakeSteps {
  readonly client: Client;
  readonly taskQueue = `fake-${randomBytes(6).toString('hex')}`;
  /** What the steps do; a test replaces some. */
  steps: Activities = goodSteps(this.taskQueue);
  /** The steps that were taken, in order. */
  readonly calls: { name: StepName; args: unknown[] }[] = [];
  readonly #connection: NativeConnection;
  readonly #stops = new Set<() => Promise<void>>();

  private constructor(client: Client, connection: NativeConnection) {
    this.client = client;
    this.#connection = connection;
  }

  /** @param worker false: the test starts workers itself */
  static async start({ worker = true } = {}): Promise<FakeSteps> {
    const address = variable('TEMPORAL_ADDRESS');
    const [connection, native] = await Promise.all([
      Connection.connect({ address }),
      NativeConnection.connect({ address }),
    ]);
    const fake = new FakeSteps(new Client({ connection }), native);
    if (worker) await fake.startWorker();
    return fake;
  }

  /** Takes back what a test has made of the steps. */
  reset(): void {
    this.steps = goodSteps(this.taskQueue);
    this.calls.length = 0;
  }

  count(name: StepName): number {
    return this.calls.filter((call) => call.name === name).length;
  }

  /** A worker that runs workflows, steps or both; returns how to stop it. */
  async startWorker({ workflows = true, steps = true } = {}): Promise<() => Promise<void>> {
    const worker = await Worker.create({
      connection: this.#connection,
      taskQueue: this.taskQueue,
      ...(workflows && {
        workflowBundle: await workflowBundle(),
        sinks: NO_TRACING.sinks,
        // Every task replays its history: code that is not deterministic shows at once.
        maxCachedWorkflows: 0,
      }),
      ...(steps && { activities: this.#activities() }),
    });
    const stopped = worker.run();
    const stop = async () => {
      this.#stops.delete(stop);
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await stopped;
    };
    this.#stops.add(stop);
    return stop;
  }

  #activities(): Record<string, (...args: unknown[]) => Promise<unknown>> {
    const names = Object.keys(this.steps) as StepName[];
    return Object.fromEntries(
      names.map((name) => [
        name,
        (...args: unknown[]) => {
          this.calls.push({ name, args });
          return (this.steps[name] as (...args: unknown[]) => Promise<unknown>)(...args);
        },
      ]),
    );
  }

  /** Starts a workflow under an id of its own. */
  async startRun(workflowType: string, input: unknown, id = randomBytes(4).toString('hex')) {
    return await this.client.workflow.start(workflowType, {
      workflowId: `${this.taskQueue}-${id}`,
      taskQueue: this.taskQueue,
      args: [input],
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stops].map((stop) => stop()));
    await this.#connection.close();
    await this.client.connection.close();
  }
}
