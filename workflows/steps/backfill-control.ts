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

export const progressQuery = defineQuery<BackfillState>('progress');
export const pauseUpdate = defineUpdate<string>('pause');
export const resumeUpdate = defineUpdate<string>('resume');
export const setConcurrencyUpdate = defineUpdate<string, [number]>('setConcurrency');

const NONE: BackfillCounts = { loaded: 0, no_increment: 0, failed: 0 };

/**
 * Which days of a backfill run side by side, and what a person has asked for. It is made before the first wait, so that a
 * backfill can be steered at any moment (contract, ruling 48).
 */
export class BackfillControl {
  readonly #running = new Map<string, Promise<void>>();
  readonly #progress: Progress;
  #days: number | null = null;
  #counts: Readonly<BackfillCounts> = NONE;
  #concurrency: number;
  #paused: boolean;
  #failure: Error | undefined;

  /** @param input not checked yet: it may be anything */
  constructor(input: Partial<SalesBackfillInput> | null | undefined, progress: Progress) {
    this.#progress = progress;
    this.#concurrency = isConcurrency(input?.concurrency) ? input.concurrency : 1;
    this.#paused = input?.checkpoint?.paused === true;
    this.#handleMessages();
    this.#show();
  }

  /** The days are known now. */
  plan(daysLeft: number, counts: Readonly<BackfillCounts>): void {
    this.#days = daysLeft + counts.loaded + counts.no_increment + counts.failed;
    this.#counts = counts;
    this.#show();
  }

  get concurrency(): number {
    return this.#concurrency;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Waits until one more day may begin. */
  async slot(): Promise<void> {
    await condition(
      () => this.#failure !== undefined || (!this.#paused && this.#running.size < this.#concurrency),
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

  #show(): void {
    const { loaded, no_increment, failed } = this.#counts;
    const done = loaded + no_increment + failed;
    const running = [...this.#running.keys()].join(', ') || 'none';
    const paused = this.#paused ? ' Paused: no more days start.' : '';
    this.#progress.update(
      this.#days === null
        ? `Listing the days.${paused}`
        : `${done} of ${this.#days} days done, ${failed} failed. Running: ${running}.${paused}`,
    );
  }

  #handleMessages(): void {
    setHandler(
      progressQuery,
      () => ({
        ...this.#counts,
        days: this.#days,
        running: [...this.#running.keys()],
        concurrency: this.#concurrency,
        paused: this.#paused,
      }),
      { description: 'Progress of the backfill.' },
    );
    setHandler(pauseUpdate, () => this.#pause(true), {
      description: 'Start no more days; days in progress finish.',
    });
    setHandler(resumeUpdate, () => this.#pause(false), { description: 'Resume a paused backfill.' });
    setHandler(
      setConcurrencyUpdate,
      (concurrency) => {
        this.#concurrency = concurrency;
        return `Now loading up to ${concurrency} days in parallel.`;
      },
      { description: 'How many days are loaded in parallel.', validator: validateConcurrency },
    );
  }

  #pause(paused: boolean): string {
    this.#paused = paused;
    this.#show();
    return paused ? 'Paused: days in progress finish, and no more days start.' : 'Resumed.';
  }
}

function validateConcurrency(concurrency: unknown): void {
  if (!isConcurrency(concurrency)) throw failure('InvalidInput', EXPECTED_CONCURRENCY);
}
