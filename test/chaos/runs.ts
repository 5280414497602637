import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { DayResult } from '../../domain/day.ts';
import type { BackfillResult } from '../../workflows/sales-backfill.ts';
import { FAST_OPTIONS as options } from '../support/fast-options.ts';
import { DATES, FROM, outcomeOf, TO } from './range.ts';

const LOADED = DATES.filter((date) => outcomeOf(date) === 'loaded').length;

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
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get open(): Run[] {
    return this.all.filter((run) => run.state === 'open');
  }

  /** Waits for nothing any more. */
  abandon(): void {
    this.#abandoned = true;
  }

  async day(loadDate: string, name: string): Promise<void> {
    await this.#run(
      `${loadDate}-${name}`,
      'salesIncrement',
      { loadDate, options },
      (result) => (result as DayResult).outcome === outcomeOf(loadDate),
    );
  }

  async backfill(name: string): Promise<void> {
    await this.#run(
      `backfill-${name}`,
      'salesBackfill',
      { from: FROM, to: TO, concurrency: 2, options },
      (result) => {
        const { loaded, no_increment } = result as BackfillResult;
        return loaded === LOADED && no_increment === DATES.length - LOADED;
      },
    );
  }

  async #run(
    id: string,
    workflow: string,
    input: object,
    isRight: (result: unknown) => boolean,
  ): Promise<void> {
    const run: Run = { id, state: 'open' };
    this.all.push(run);
    try {
      const result = await this.#patiently(async () => {
        const once = {
          workflowId: id,
          taskQueue: 'chaos',
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
        } as const;
        // A start whose answer was lost has happened.
        await this.#client.workflow.start(workflow, { ...once, args: [input] }).catch((error: unknown) => {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        });
        return (await this.#client.workflow.getHandle(id).result()) as unknown;
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
