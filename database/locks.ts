/**
 * The advisory locks of the product. Who holds one may wait for a later one of this list, never for an earlier one:
 * docs/decisions/0010-lock-order.md.
 */

/** Held by `migrate`. Any constant serves that nobody else in this database uses. */
export const MIGRATION_LOCK = 7_256_301_001;

/** Each table of the mart is updated by one transaction at a time; the tables do not wait for each other. */
export function martLock(table: string): string {
  return `mart ${table}`;
}

/** Held while a file of a date is staged. */
export function stagingLock(loadDate: string, file: string): string {
  return `staging ${loadDate} ${file}`;
}

/**
 * A transaction that copies names shares this lock, and reads them once it holds it, so that a load that runs while a
 * customer is forgotten cannot bring the name back.
 */
export const NAMES_LOCK = 'names of customers';
