import { InvalidArgumentError } from 'commander';
import { fileNames } from '../domain/feeds.ts';
import { isLoadDate, type LoadDate } from '../domain/load-date.ts';

/** A date given on the command line. */
export function dateArgument(text: string): LoadDate {
  if (!isLoadDate(text)) throw new InvalidArgumentError('Expected a day like 2024-02-25.');
  return text;
}

/** A number of things to do side by side. */
export function countArgument(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1 || count > 100) {
    throw new InvalidArgumentError('Expected a whole number from 1 to 100.');
  }
  return count;
}

/** A file of the increment; the option may be repeated. */
export function fileArgument(text: string, previous: string[] | undefined): string[] {
  const known = fileNames('increment');
  if (!known.includes(text)) throw new InvalidArgumentError(`Expected one of ${known.join(', ')}.`);
  return [...new Set([...(previous ?? []), text])];
}
