import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import { createLogger } from '../../runtime/logger.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import { variable } from './database.ts';
import { USUAL_ANSWERS } from './usual-answers.ts';

Runtime.install({ logger: createLogger('ERROR'), shutdownSignals: [] });

/** The usual answers, with promises, of a worker that has a webhook. */
function goodSteps(): Activities {
  const answers = Object.entries(USUAL_ANSWERS) as [string, (...args: unknown[]) => unknown][];
  const steps = answers.map(([name, answer]) => [
    name,
    async (...args: unknown[]) => {
      const result = await answer(...args);
      return name.startsWith('plan') ? { ...(result as object), hasWebhook: true } : result;
    },
  ]);
  return Object.fromEntries(steps) as Activities;
}

type StepName = keyof Activities;

/** Workflows on a real Temporal server, with steps that a test makes up: for what is about the order of steps and waits. */
export class FakeSteps {
  readonly client: Client;
  readonly taskQueue = `fake-${randomBytes(6).toString('hex')}`;
  /** What the steps do; a test replaces some. */
  steps: Activities = goodSteps();
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
    this.steps = goodSteps();
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
