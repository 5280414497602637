import type { RunOptions } from '../../domain/day.ts';
import { formatDuration } from '../../domain/durations.ts';
import { failure } from '../../domain/failures.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { reportSteps } from './activity-options.ts';
import { missingFiles } from './missing-files.ts';
import type { Progress } from './run-state.ts';

/** What a day may do without: by setting, and what a person accepts while it waits. */
export interface OptionalFiles {
  has(file: string): boolean;
  /** Those that a person named, for the audit. */
  readonly named: readonly string[];
}

/** Asks again and again which files of a day there are, until a limit that is counted from the first time. */
export class FileWait {
  readonly #options: RunOptions;
  readonly #progress: Progress;
  readonly #optional: OptionalFiles;
  readonly #only: readonly string[] | undefined;
  readonly #deadline: number;
  readonly #interval: number;

  /** @param only the files that the run is about; all when absent */
  constructor(options: RunOptions, optional: OptionalFiles, progress: Progress, only?: readonly string[]) {
    this.#only = only;
    this.#options = options;
    this.#optional = optional;
    this.#progress = progress;
    this.#deadline = Date.now() + options.filesTimeoutMs;
    this.#interval = Math.max(options.reportPollIntervalMs, options.filesTimeoutMs / 3_000);
  }

  /** The files that are there, with all that are needed among them; undefined: the date has no increment. */
  async untilThere(reportId: string, loadDate: LoadDate): Promise<string[] | undefined> {
    const { getIncrement } = reportSteps(this.#options);
    for (;;) {
      this.#progress.say(`Asking the report API for the increment of ${loadDate}.`);
      const summary = `which files of ${loadDate} are there?`;
      const increment = await getIncrement.executeWithOptions({ summary }, [reportId, loadDate]);
      if (!increment.found) return undefined;
      const { files } = increment;
      const absent =
        this.#only?.filter((file) => !files.includes(file)) ?? missingFiles(increment, 'increment');
      const missing = this.#neededOf(absent);
      if (missing.length === 0) return files.filter((file) => this.#only?.includes(file) ?? true);
      await this.again(loadDate, missing);
    }
  }

  /** Waits before the next try for files that are missing; throws when there is no time left. */
  async again(loadDate: LoadDate, missing: string[], why = ''): Promise<void> {
    const left = this.#deadline - Date.now();
    if (left <= 0) {
      throw failure(
        'FilesMissing',
        `The increment of ${loadDate} lacks ${missing.join(', ')} after ${formatDuration(this.#options.filesTimeoutMs)} ` +
          `(FILES_TIMEOUT); nothing was loaded.${why && ` ${why}`}`,
      );
    }
    this.#progress.say(`Waiting for ${missing.join(', ')} of ${loadDate}. ${why}`.trim(), {
      missingFiles: missing,
    });
    await this.#progress.wait(Math.min(this.#interval, left), `until ${missing.join(', ')} may be there`);
  }

  #neededOf(files: string[]): string[] {
    return files.filter((file) => !this.#optional.has(file));
  }
}
