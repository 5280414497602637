import { randomBytes } from 'node:crypto';
import { after, before } from 'node:test';
import { activityInfo, Context } from '@temporalio/activity';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { heartbeatInterceptor } from '../../activities/heartbeat-interceptor.ts';
import type { Activities } from '../../activities/index.ts';
import type { RunOptions } from '../../domain/run-options.ts';
import { until } from '../client/harness.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import type { salesIncrement } from '../../workflows/index.ts';
import type { SalesIncrementInput } from '../../workflows/inputs.ts';
import type { RunState } from '../../workflows/steps/progress.ts';
import { variable } from './database.ts';
import { installRuntime } from './install-runtime.ts';
import { quickRetries } from './quick-retries.ts';
import { DATE, USUAL_ANSWERS, type Answers } from './usual-answers.ts';

type Step = keyof Activities;
type Run = WorkflowHandleWithFirstExecutionRunId<typeof salesIncrement>;

/** A task queue of its own on the real server, whose steps the days of a test answer. */
export class FakeQueue {
  readonly taskQueue = `fake-${randomBytes(6).toString('hex')}`;
  readonly client: Client;
  readonly #connection: NativeConnection;
  readonly #days: FakeDay[] = [];
  readonly #stops = new Set<() => Promise<void>>();

  private constructor(client: Client, connection: NativeConnection) {
    this.client = client;
    this.#connection = connection;
  }

  static async start(): Promise<FakeQueue> {
    installRuntime();
    const address = variable('TEMPORAL_ADDRESS');
    const connection = await Connection.connect({ address });
    return new FakeQueue(new Client({ connection }), await NativeConnection.connect({ address }));
  }

  /**
   * A new day, which answers all workflows whose ids begin with its own.
   * @param answers those that differ from `USUAL_ANSWERS`
   * @param prefix behind the task queue; '-' is what all workflows that the client starts have
   */
  day(answers: Partial<Answers> = {}, prefix = `-${this.#days.length}.`): FakeDay {
    const day = new FakeDay(this.client, this.taskQueue, `${this.taskQueue}${prefix}`, answers);
    this.#days.push(day);
    return day;
  }

  /** A worker for workflows, steps or both; returns how to stop it. */
  async startWorker(
    overrides: Partial<WorkerOptions> = {},
    { workflows = true, steps = true } = {},
  ): Promise<() => Promise<void>> {
    const worker = await Worker.create({
      connection: this.#connection,
      taskQueue: this.taskQueue,
      ...(workflows && { workflowBundle: await workflowBundle() }),
      ...(steps && { activities: this.#activities() }),
      interceptors: { activity: [quickRetries, heartbeatInterceptor] },
      maxHeartbeatThrottleInterval: 100,
      ...overrides,
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

  #activities(): Record<string, unknown> {
    const activity =
      (step: Step) =>
      async (...args: unknown[]) => {
        const { workflowExecution } = activityInfo();
        const day = this.#days.findLast(({ id }) => workflowExecution?.workflowId.startsWith(id));
        if (!day) throw new Error(`${workflowExecution?.workflowId ?? 'nobody'} belongs to no test.`);
        day.calls.push({ step, args });
        const answer = (day.answers[step] ?? USUAL_ANSWERS[step]) as (...args: unknown[]) => unknown;
        return await answer(...args);
      };
    return Object.fromEntries((Object.keys(USUAL_ANSWERS) as Step[]).map((step) => [step, activity(step)]));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stops].map((stop) => stop()));
    await this.#connection.close();
    await this.client.connection.close();
  }
}

/**
 * For tests of workflow code: the real workflows on the real server, with steps that a test answers, under their real
 * names. One worker for all tests of a file; call it once, outside of them. No database, no HTTP.
 * @returns `FakeQueue.day`
 */
export function fakeDays(overrides: Partial<WorkerOptions> = {}): FakeQueue['day'] {
  let queue: FakeQueue | undefined;
  before(async () => {
    queue = await FakeQueue.start();
    await queue.startWorker(overrides);
  });
  after(() => queue?.close());
  return (...args) => {
    if (!queue) throw new Error('fakeDays() is called outside of tests, a day is made inside of one.');
    return queue.day(...args);
  };
}

export class FakeDay {
  readonly client: Client;
  readonly taskQueue: string;
  /** What the ids of its workflows begin with. */
  readonly id: string;
  /** May be changed while a run is under way. */
  answers: Partial<Answers>;
  /** Every try of every step, in order. */
  readonly calls: { step: Step; args: unknown[] }[] = [];

  constructor(client: Client, taskQueue: string, id: string, answers: Partial<Answers>) {
    this.client = client;
    this.taskQueue = taskQueue;
    this.id = id;
    this.answers = answers;
  }

  /** Starts the workflow of the date. */
  async start(options: Partial<RunOptions> = {}, input: SalesIncrementInput = {}): Promise<Run> {
    return await this.client.workflow.start<typeof salesIncrement>('salesIncrement', {
      workflowId: `${this.id}${DATE}`,
      taskQueue: this.taskQueue,
      args: [{ loadDate: DATE, options, ...input }],
    });
  }

  /** Starts any workflow, with any input. */
  async startRun(workflowType: string, input: unknown, id: string = workflowType) {
    return await this.client.workflow.start(workflowType, {
      workflowId: `${this.id}${id}`,
      taskQueue: this.taskQueue,
      args: [input],
    });
  }

  /** The arguments of each call of a step. */
  argsOf<K extends Step>(step: K): Parameters<Activities[K]>[] {
    return this.calls
      .filter((call) => call.step === step)
      .map(({ args }) => args as Parameters<Activities[K]>);
  }

  /** How often a step was called. */
  count(step: Step): number {
    return this.argsOf(step).length;
  }
}

/** One answer after the other, the last one for good; an error is thrown. */
export function inTurn<T>(...answers: (T | Error)[]): () => Exclude<T, Error> {
  return () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer as Exclude<T, Error>;
  };
}

/** Does not answer until it is cancelled. */
export async function hang(): Promise<never> {
  return await Context.current().cancelled;
}

/** Waits until a run says that it is doing something. */
export async function untilStep(run: Run, doing: RegExp): Promise<RunState> {
  const state = () => run.query<RunState>('state');
  await until(`the run says ${String(doing)}`, async () => doing.test((await state()).currentStep));
  return await state();
}
