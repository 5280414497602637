import { InvalidArgumentError } from 'commander';
import { isLoadDate, type LoadDate } from '../shared/load-date.ts';

/** A date given on the command line. */
export function dateArgument(text: string): LoadDate {
  if (!isLoadDate(text)) throw new InvalidArgumentError('Expected a day like 2024-02-25.');
  return text;
}
