import type { LoadDate } from './load-date.ts';

/** The command that loads the days of a range that are not loaded. */
export function loadCommand(from: LoadDate, to: LoadDate): string {
  return `npm run client -- backfill --from ${from} --to ${to} --only-missing`;
}
