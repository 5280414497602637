import { condition, defineQuery, defineUpdate, setHandler } from '@temporalio/workflow';
import { failure } from '../../domain/failures.ts';
import { EXPECTED_CONCURRENCY, isConcurrency } from '../../domain/concurrency.ts';
import type { BackfillCounts, SalesBackfillInput } from '../inputs.ts';
import type { Progress } from './progress.ts';

export interface BackfillState extends BackfillCounts {
  /** Null while they are being listed. */
  days: number | null;
  running: string[];
  concurrency: number;
  paused: boolean;
}

/**
 * Which days of a backfill run side by side, and what a person has asked for. It is made before the first wait, so that a
 * backfill can be steered at any moment (contract, ruling 48).
 */
export class BackfillControl {
  readonly state: BackfillState;
  readonly #running = new Map<string, Promise<void>>();
  readonly #progress: Progress;
  #failure: Error | undefined;

  /** @param input not checked yet: it may be anything */
  constructor(input: Partial<SalesBackfillInput> | null | undefined, progress: Progress) {
    this.#progress = progress;
    this.state = {
      ...{ loaded: 0, no_increment: 0, failed: 0 },
      ...input?.checkpoint?.counts,
      days: null,
      running: [],
      concurrency: isConcurrency(input?.concurrency) ? input.concurrency : 1,
      paused: input?.checkpoint?.paused === true,
    };
    this.#handleMessages();
    this.#show();
  }

  get counts(): BackfillCounts {
    const { loaded, no_increment, failed } = this.state;
    return { loaded, no_increment, failed };
  }

  /** The days are known now. */
  plan(daysLeft: number): void {
    this.state.days = daysLeft + this.#done;
    this.#show();
  }

  /** Waits until one more day may begin. */
  async slot(): Promise<void> {
    const { state } = this;
    await condition(
      () => this.#failure !== undefined || (!state.paused && this.#running.size < state.concurrency),
    );
    this.throwIfCancelled();
  }

  /** Throws when the backfill was cancelled, which its days have noticed. */
  throwIfCancelled(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A day has begun; `work` settles when it has ended. */
  begin(date: string, work: Promise<void>): void {
    const ended = work
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.#running.delete(date);
        this.#show();
      });
    this.#running.set(date, ended);
    this.#show();
  }

  /** Waits until no day runs any more. */
  async drained(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  get #done(): number {
    return this.state.loaded + this.state.no_increment + this.state.failed;
  }

  #show(): void {
    const { state } = this;
    state.running = [...this.#running.keys()];
    const paused = state.paused ? ' Paused: no more days start.' : '';
    const running = state.running.join(', ') || 'none';
    this.#progress.update(
      state.days === null
        ? `Listing the days.${paused}`
        : `${this.#done} of ${state.days} days done, ${state.failed} failed. Running: ${running}.${paused}`,
    );
  }

  #handleMessages(): void {
    const description = 'How many days are loaded in parallel.';
    setHandler(defineQuery<BackfillState>('progress'), () => this.state, {
      description: 'Progress of the backfill.',
    });
    setHandler(defineUpdate<string>('pause'), () => this.#pause(true), {
      description: 'Start no more days; days in progress finish.',
    });
    setHandler(defineUpdate<string>('resume'), () => this.#pause(false), {
      description: 'Resume a paused backfill.',
    });
    setHandler(
      defineUpdate<string, [number]>('setConcurrency'),
      (concurrency) => {
        this.state.concurrency = concurrency;
        return `Now loading up to ${concurrency} days in parallel.`;
      },
      { description, validator: validateConcurrency },
    );
  }

  #pause(paused: boolean): string {
    this.state.paused = paused;
    this.#show();
    return paused ? 'Paused: days in progress finish, and no more days start.' : 'Resumed.';
  }
}

function validateConcurrency(concurrency: unknown): void {
  if (!isConcurrency(concurrency)) throw failure('InvalidInput', EXPECTED_CONCURRENCY);
}
