import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { DayResult } from '../../domain/day.ts';
import { runOptions } from '../../runtime/run-options.ts';
import type { salesBackfill, salesIncrement } from '../../workflows/index.ts';
import type { BackfillResult } from '../../workflows/sales-backfill.ts';
import { DATES, FROM, outcomeOf, TO } from './range.ts';
import type { World } from './world.ts';

const OPTIONS = runOptions({
  REPORT_POLL_INTERVAL: '100ms',
  FILES_TIMEOUT: '1h',
  LATE_AFTER: '0s',
  VOLUME_ALERT_SHARE: '0',
});

/** A run that somebody has started, and whether it has ended as it should. */
export interface Run {
  id: string;
  state: 'open' | 'well' | 'wrong';
  error?: string;
}

/** Starts runs and waits for them, whatever happens to the server meanwhile. */
export class Runs {
  readonly all: Run[] = [];
  #abandoned = false;
  readonly #world: World;
  readonly #taskQueue: string;

  constructor(world: World, taskQueue = world.taskQueue) {
    this.#world = world;
    this.#taskQueue = taskQueue;
  }

  get open(): Run[] {
    return this.all.filter((run) => run.state === 'open');
  }

  /** Waits for nothing any more. */
  abandon(): void {
    this.#abandoned = true;
  }

  async day(date: string, name: string): Promise<void> {
    const workflowId = `${this.#taskQueue}-${date}-${name}`;
    await this.#run(
      workflowId,
      () =>
        this.#world.client.workflow.start<typeof salesIncrement>('salesIncrement', {
          ...this.#once(workflowId),
          args: [{ loadDate: date, options: OPTIONS }],
        }),
      (result) => (result as DayResult).outcome === outcomeOf(date),
    );
  }

  async backfill(name: string, concurrency: number): Promise<void> {
    const workflowId = `${this.#taskQueue}-backfill-${name}`;
    const days = (outcome: string) => DATES.filter((date) => outcomeOf(date) === outcome).length;
    await this.#run(
      workflowId,
      () =>
        this.#world.client.workflow.start<typeof salesBackfill>('salesBackfill', {
          ...this.#once(workflowId),
          args: [{ from: FROM, to: TO, concurrency, options: OPTIONS }],
        }),
      (result) => {
        const { loaded, no_increment } = result as BackfillResult;
        return loaded === days('loaded') && no_increment === days('no_increment');
      },
    );
  }

  #once(workflowId: string) {
    return { workflowId, taskQueue: this.#taskQueue, workflowIdReusePolicy: 'REJECT_DUPLICATE' as const };
  }

  async #run(
    id: string,
    start: () => Promise<unknown>,
    isRight: (result: unknown) => boolean,
  ): Promise<void> {
    const run: Run = { id, state: 'open' };
    this.all.push(run);
    try {
      const result = await this.#patiently(async () => {
        // A start whose answer was lost has happened.
        await start().catch((error: unknown) => {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        });
        return (await this.#world.client.workflow.getHandle(id).result()) as unknown;
      });
      run.state = isRight(result) ? 'well' : 'wrong';
      if (run.state === 'wrong') run.error = JSON.stringify(result);
    } catch (error) {
      run.state = 'wrong';
      run.error = error instanceof WorkflowFailedError ? String(error.cause) : String(error);
    }
  }

  /** The server may be away for a while; whatever else is wrong is told. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof WorkflowFailedError || failures > 600 || this.#abandoned) throw error;
        await sleep(200);
      }
    }
  }
}
