import { addDays, countDays, isLoadDate } from '../../domain/load-date.ts';

const FIRST = '1970-01-01';

/** Days since 1970-01-01: the seed of what is generated for a date. */
export function dayNumber(date: string): number {
  if (!isLoadDate(date)) throw new RangeError(`"${date}" is not a date: write it YYYY-MM-DD`);
  return countDays(FIRST, date) - 1;
}

export function dateOf(day: number): string {
  return addDays(FIRST, day);
}
