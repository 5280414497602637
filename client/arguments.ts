import { InvalidArgumentError } from 'commander';
import { EXPECTED_CONCURRENCY, isConcurrency } from '../domain/concurrency.ts';
import { CommandFailed } from './output.ts';
import { fileNames } from '../domain/feeds.ts';
import { countDays, isLoadDate, type LoadDate } from '../domain/load-date.ts';

/** A date given on the command line. */
export function dateArgument(text: string): LoadDate {
  if (!isLoadDate(text))
    throw new InvalidArgumentError('Expected a date like 2024-02-25, from 1900-01-01 to 2999-12-31.');
  return text;
}

/** How many days to load in parallel. */
export function countArgument(text: string): number {
  const count = Number(text);
  if (!isConcurrency(count)) throw new InvalidArgumentError(EXPECTED_CONCURRENCY);
  return count;
}

/** Free text: what looks like an option was meant as one. */
export function textArgument(text: string): string {
  if (text.startsWith('--')) throw new InvalidArgumentError(`Expected a text before the option ${text}.`);
  return text;
}

/** A file of the increment; the option may be repeated. */
export function fileArgument(text: string, previous: string[] | undefined): string[] {
  const known = fileNames('increment');
  if (!known.includes(text)) throw new InvalidArgumentError(`Expected one of ${known.join(', ')}.`);
  return [...new Set([...(previous ?? []), text])];
}

const MAX_CUSTOMER_ID = 2n ** 63n - 1n;

/** The id of a customer, as the database writes it; the option may be repeated. */
export function customerArgument(text: string, previous: string[] | undefined): string[] {
  const id = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (id === undefined || id > MAX_CUSTOMER_ID || id < -MAX_CUSTOMER_ID - 1n)
    throw new InvalidArgumentError('Expected a customer id: a whole number that fits in bigint.');
  return [...new Set([...(previous ?? []), String(id)])];
}

/** `status` and `report` show at most 20 years (contract, ruling 21). */
export const MAX_RANGE_DAYS = 7_305;

/** A range of days; what is not given has a default. */
export interface Range {
  from?: LoadDate | undefined;
  to?: LoadDate | undefined;
}

/** Exits with 2 when a range that is given in full is reversed or too long. */
export function checkRange({ from, to }: Range, maxDays = MAX_RANGE_DAYS): void {
  if (from === undefined || to === undefined) return;
  if (from > to) throw new CommandFailed(`--from ${from} is after --to ${to}.`, 2);
  if (countDays(from, to) > maxDays)
    throw new CommandFailed(
      `${from} to ${to} is more than 20 years: choose a shorter range by --from and --to.`,
      2,
    );
}

/** Days of a backfill in parallel. On two cores more are no faster, and leave too little to a `run` beside it. */
export const DEFAULT_CONCURRENCY = 3;
