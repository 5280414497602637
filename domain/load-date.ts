import { DAY_MS } from './durations.ts';

/** A day as YYYY-MM-DD, the form in which load dates travel. Pure: also for workflow code. */
export type LoadDate = string;

export const MIN_LOAD_DATE: LoadDate = '1900-01-01';
export const MAX_LOAD_DATE: LoadDate = '2999-12-31';

/** Whether the text is a day of the calendar, written YYYY-MM-DD, between 1900 and 2999 (contract, ruling 21). */
export function isLoadDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text < MIN_LOAD_DATE || text > MAX_LOAD_DATE) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

export function addDays(date: LoadDate, days: number): LoadDate {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** Number of days from one to the other, both included; 0 or less when they are in the wrong order. */
export function countDays(from: LoadDate, to: LoadDate): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS) + 1;
}

/** Every day from one to the other, both included. */
export function eachDay(from: LoadDate, to: LoadDate): LoadDate[] {
  return Array.from({ length: Math.max(0, countDays(from, to)) }, (_, index) => addDays(from, index));
}

/** The day that an instant falls on in a time zone (an IANA name). */
export function dayOf(instant: Date, timeZone: string): LoadDate {
  // The Swedish locale writes ISO dates.
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(instant);
}
