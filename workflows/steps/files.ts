import { fileName, feedOfFile } from '../../domain/feeds.ts';
import { formatDuration } from '../../domain/durations.ts';
import { failure } from '../../domain/failures.ts';
import { describeError, failureType, isTimeout } from './errors.ts';
import { Limit } from './limit.ts';
import type { Run } from './run.ts';

/** FILES_TIMEOUT is about missing files: an API that does not answer is asked for this long, however short it is. */
const MIN_PATIENCE_MS = 30_000;
/** A file that cannot be landed is mostly given up within this time of the question. */
const LANDING_MS = 45_000;

/** Asks which files of an increment are there, until those that are needed are; FILES_TIMEOUT is the limit. */
export class FileWait {
  readonly #run: Run;
  readonly #limit: Limit;
  /** The last question was asked after the limit. */
  #isLast = false;
  /** What could not be landed, and why. */
  #notLanded: { feeds: readonly string[]; reason: string } | undefined;
  /** The feeds that the run is about; undefined: all. */
  readonly #only: string[] | undefined;

  constructor(run: Run, files: readonly string[] | undefined) {
    this.#run = run;
    const at = (run.checkpoint.filesDeadline ??= Date.now() + run.options.filesTimeoutMs);
    this.#limit = new Limit(at, MIN_PATIENCE_MS);
    this.#only = files?.map(feedOfFile);
  }

  /** The feeds whose files are there, and those that the run goes without. Undefined: the date has no increment. */
  async untilPresent(reportId: string) {
    const { loadDate, progress } = this.#run;
    for (;;) {
      progress.update(`Asking the report API for the increment of ${loadDate}.`);
      const increment = await this.#ask(reportId);
      this.#run.raiseNumber(increment.number);
      if (!increment.found) return undefined;
      const isWanted = (feed: string) => this.#only?.includes(feed) ?? true;
      const missing = increment.missing.filter(isWanted);
      const needed = missing.filter((feed) => !this.#isAccepted(feed));
      if (needed.length === 0)
        return { present: increment.present.filter(isWanted), acceptedMissing: missing };
      await this.#again(needed);
    }
  }

  /**
   * A file that may be missing is not waited for when it is not there. When its download broke off it is, for as long as
   * there is time, unless a person has accepted that it is missing.
   */
  goesWithout(feed: string, reason: unknown): boolean {
    if (this.#isAcceptedByPerson(feed)) return true;
    const isThere = failureType(reason) !== 'FileNotAvailable';
    return this.#isAccepted(feed) && (!isThere || this.#isOver());
  }

  /** By OPTIONAL_FILES, or because a person has accepted it. */
  #isAccepted(feed: string): boolean {
    const file = fileName({ feed, source: 'increment' });
    return this.#run.options.optionalFiles.includes(file) || this.#isAcceptedByPerson(feed);
  }

  #isAcceptedByPerson(feed: string): boolean {
    return this.#run.checkpoint.accepted.includes(fileName({ feed, source: 'increment' }));
  }

  /** Waits before the next try for files that could not be landed; throws when there is no time left. */
  async againAfter(feeds: readonly string[], reason: string): Promise<void> {
    this.#notLanded = { feeds, reason };
    await this.#again(feeds, reason);
  }

  async #again(feeds: readonly string[], reason = ''): Promise<void> {
    const { loadDate, options, progress } = this.#run;
    if (this.#isOver()) throw this.#missing(feeds, reason);
    const files = namesOf(feeds);
    progress.update(`Waiting for ${files.join(', ')} of ${loadDate}. ${reason}`.trim(), files);
    const wait = Math.min(options.reportPollIntervalMs, this.#limit.left);
    if (wait > 0) await this.#run.wait(wait, `before checking again for ${files.join(', ')}`);
  }

  /** There is no time left, and what could not be landed was asked for after the limit, not before a reset. */
  #isOver(): boolean {
    return this.#isLast && this.#limit.askedWithin(LANDING_MS);
  }

  async #ask(reportId: string) {
    const { loadDate } = this.#run;
    const summary = `which files of ${loadDate} are available?`;
    try {
      const { answer, isLast } = await this.#limit.ask(({ getIncrement }) =>
        getIncrement.executeWithOptions({ summary }, [reportId, loadDate]),
      );
      this.#isLast = isLast;
      return answer;
    } catch (error) {
      // What is missing says more than that the last question was not answered.
      if (isTimeout(error) && this.#notLanded)
        throw this.#missing(this.#notLanded.feeds, describeError(error));
      throw error;
    }
  }

  #missing(feeds: readonly string[], reason: string) {
    const { loadDate, options } = this.#run;
    return failure(
      'FilesMissing',
      `The increment of ${loadDate} lacks ${namesOf(feeds).join(', ')} after ${formatDuration(options.filesTimeoutMs)} ` +
        `(FILES_TIMEOUT); nothing was loaded.${reason && ` ${reason}`}`,
    );
  }
}

function namesOf(feeds: readonly string[]): string[] {
  return feeds.map((feed) => fileName({ feed, source: 'increment' }));
}
