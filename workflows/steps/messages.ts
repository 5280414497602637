import { ApplicationFailure, defineUpdate, setHandler } from '@temporalio/workflow';
import { fileNames } from '../../domain/feeds.ts';
import type { OptionalFiles } from './files.ts';
import type { Progress } from './run-state.ts';

export const retryNowUpdate = defineUpdate<string>('retryNow');
export const proceedWithoutUpdate = defineUpdate<string, [string[]]>('proceedWithout');

/** The files that a day may do without: those of the setting, and those that a person names while it waits. */
export class AcceptedFiles implements OptionalFiles {
  #bySetting: readonly string[] = [];
  readonly #byPerson = new Set<string>();

  allow(bySetting: readonly string[]): void {
    this.#bySetting = bySetting;
  }

  has(file: string): boolean {
    return this.#bySetting.includes(file) || this.#byPerson.has(file);
  }

  accept(files: readonly string[]): void {
    for (const file of files) this.#byPerson.add(file);
  }

  /** Named by a person, for the audit. */
  get named(): string[] {
    return [...this.#byPerson].sort();
  }
}

/** Lets a person speak to a waiting day. */
export function handleMessages(progress: Progress, accepted: AcceptedFiles): void {
  setHandler(
    retryNowUpdate,
    () => {
      progress.wakeUp();
      return 'Trying now.';
    },
    { description: 'Stop waiting and try now: look at the report, or ask for the missing files, at once.' },
  );
  setHandler(
    proceedWithoutUpdate,
    (files) => {
      accepted.accept(files);
      progress.wakeUp();
      return `Going on without ${files.join(', ')} should they stay missing.`;
    },
    {
      description: 'Accept that these files are missing for this day, e.g. ["customer_research_inc"].',
      validator: validateFiles,
    },
  );
}

function validateFiles(files: unknown): void {
  const known = fileNames('increment');
  const named = Array.isArray(files) ? (files as unknown[]) : [];
  const unknown = named.filter((file) => typeof file !== 'string' || !known.includes(file));
  if (named.length === 0 || unknown.length > 0) {
    throw ApplicationFailure.nonRetryable(
      `Expected a list of files among ${known.join(', ')}${unknown.length ? `; unknown: ${unknown.join(', ')}` : ''}.`,
      'InvalidInput',
    );
  }
}
