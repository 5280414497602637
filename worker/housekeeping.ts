import { hostname } from 'node:os';
import type { Database } from '../database/database.ts';
import type { Landing } from '../pipeline/extract/landing.ts';
import { discardAbandoned } from '../pipeline/load/abandoned.ts';

export interface Housekeeping {
  database: Database;
  landing: Landing;
  landingRetentionMs: number;
  rejectedRetentionMs: number;
  intervalMs: number;
}

/**
 * Removes what need not be kept any longer: rows that a terminated run has landed, rejected rows and landed files past
 * their retention, and, as soon as any customer is forgotten, every landed file. No step reads a landed file.
 */
export async function doHousekeeping(housekeeping: Housekeeping): Promise<void> {
  const { database, landing, landingRetentionMs, rejectedRetentionMs, intervalMs } = housekeeping;
  await discardAbandoned(database);
  await database.query('housekeeping/rejected_rows', [rejectedRetentionMs]);
  const { now, any_forgotten } = await database.one<{ now: string; any_forgotten: boolean }>(
    'housekeeping/forgotten',
  );
  const removed = await landing.prune(new Date(Date.now() - (any_forgotten ? 0 : landingRetentionMs)));
  await database.query('housekeeping/pruned', [hostname(), landing.root, now, intervalMs, removed]);
}
