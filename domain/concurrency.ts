/** Days of a backfill in parallel: 1 to this, for the command line, the input and the update alike (contract, ruling 61). */
const MAX_CONCURRENCY = 100;

/** What is asked for where it is something else. */
export const EXPECTED_CONCURRENCY = `Expected a whole number from 1 to ${MAX_CONCURRENCY}.`;

export function isConcurrency(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MAX_CONCURRENCY;
}
