import { hostname } from 'node:os';
import type { Database } from '../database/database.ts';
import type { LoadDate } from '../domain/load-date.ts';
import { ABANDONED_AFTER_MS, type Landing } from '../pipeline/extract/landing.ts';

export interface Housekeeping {
  database: Database;
  landing: Landing;
  landingTaskQueue: string;
  landingRetentionMs: number;
  rejectedRetentionMs: number;
  intervalMs: number;
}

/**
 * Removes what need not be kept any longer: landed files and rejected rows past their retention, and, as soon as any
 * customer is forgotten, the landed files of every day whose run has ended, since every download brings
 * the name again. A run that misses a file downloads it again, so removing one too early loses nothing.
 */
export async function doHousekeeping(housekeeping: Housekeeping): Promise<void> {
  const { database, landing, landingTaskQueue, landingRetentionMs, rejectedRetentionMs, intervalMs } =
    housekeeping;
  await database.query('housekeeping/rejected_rows', [rejectedRetentionMs]);
  const [known] = await database.query<{
    now: string;
    any_forgotten: boolean;
    /** Milliseconds since 1970. */
    finished: Record<LoadDate, number>;
  }>('housekeeping/forgotten', [await landing.days()]);
  if (!known) throw new Error('sql/housekeeping/forgotten.sql returned no row.');
  const retentionMs = known.any_forgotten
    ? Math.min(ABANDONED_AFTER_MS, landingRetentionMs)
    : landingRetentionMs;
  const finished = Object.entries(known.any_forgotten ? known.finished : {});
  const { files } = await landing.prune(
    new Date(Date.now() - retentionMs),
    Object.fromEntries(finished.map(([day, milliseconds]) => [day, new Date(milliseconds)])),
  );
  const remaining = await landing.days();
  await database.query('housekeeping/pruned', [
    ...[landingTaskQueue, hostname(), known.now, intervalMs, files],
    known.any_forgotten ? remaining : [],
  ]);
}
