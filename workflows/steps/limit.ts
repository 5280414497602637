import { reportSteps } from './activities.ts';
import { isScheduleToStartTimeout, isTimeout } from './errors.ts';

/** What was answered or given up longer ago was so before an outage, or before a reset of the run. */
const FRESH_MS = 2_000;
/** So many questions behind the limit may be taken for old ones; the next one counts, however slow its answer is. */
const MAX_OLD_QUESTIONS = 3;
/** However short the wait is, a call is tried for this long. */
const MIN_PATIENCE_MS = 5_000;
const MAX_PATIENCE_MS = 10 * 60_000;

type ReportSteps = ReturnType<typeof reportSteps>;

/**
 * The end of a wait for the report API. It counts only behind a question that was asked after it (contract, ruling 45):
 * a run that is reset into its wait, or comes back from an outage, asks once more. A reset moves `Date.now()` to the
 * present, and with it the end of a wait into the past; what the history holds was answered then.
 */
export class Limit {
  readonly #at: number;
  readonly #minPatienceMs: number;
  #askedAt = 0;
  #askedBehind = 0;

  /**
   * @param at milliseconds since 1970
   * @param minPatienceMs however soon that is, an API that fails is asked again for this long
   */
  constructor(at: number, minPatienceMs = MIN_PATIENCE_MS) {
    this.#at = at;
    this.#minPatienceMs = minPatienceMs;
  }

  /** Milliseconds. */
  get left(): number {
    return Math.max(0, this.#at - Date.now());
  }

  /** Asks; `isLast`: the answer counts after the limit, so there is nothing more to wait for. */
  async ask<T>(question: (steps: ReportSteps) => Promise<T>): Promise<{ answer: T; isLast: boolean }> {
    for (let patience = this.#minPatienceMs; ;) {
      const askedAt = Date.now();
      const isBehind = askedAt >= this.#at;
      this.#askedAt = askedAt;
      if (isBehind) this.#askedBehind += 1;
      const triedMs = Math.max(this.#at - askedAt, patience);
      try {
        const answer = await question(reportSteps(triedMs));
        return { answer, isLast: isBehind && this.askedWithin(FRESH_MS) };
      } catch (error) {
        // Workers that are busy, or away, have not asked.
        if (isScheduleToStartTimeout(error)) patience = Math.min(patience * 2, MAX_PATIENCE_MS);
        else if (!isTimeout(error) || this.#isWithin(FRESH_MS, askedAt + triedMs)) throw error;
      }
    }
  }

  /** Whether the last question is no older than that: what came of it was then not answered before an outage or reset. */
  askedWithin(milliseconds: number): boolean {
    return this.#isWithin(milliseconds, this.#askedAt);
  }

  #isWithin(milliseconds: number, since: number): boolean {
    return Date.now() - since <= milliseconds || this.#askedBehind > MAX_OLD_QUESTIONS;
  }
}
