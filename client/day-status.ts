import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Database } from '../database/database.ts';
import { nextStep } from '../domain/failures.ts';
import type { LoadDate } from '../domain/load-date.ts';

export type DayState = 'loaded' | 'no_increment' | 'missing' | 'failed' | 'running' | 'stale';

/** One line of `client status --json`. Numbers of rows are over all files of the day. */
export interface DayStatus {
  date: LoadDate;
  state: DayState;
  error: string | null;
  error_type: string | null;
  /** What to do about it. */
  next: string | null;
  rows_read: number;
  rows_kept: number;
  rows_duplicate: number;
  rows_rejected: number;
  /** Decimal text. */
  revenue: string | null;
  warnings: string[];
  accepted_missing: string[];
  workflow_id: string | null;
  run_id: string | null;
  finished_at: string | null;
}

interface Row {
  load_date: LoadDate;
  outcome: 'loaded' | 'no_increment' | 'failed' | null;
  error: string | null;
  error_type: string | null;
  workflow_id: string | null;
  run_id: string | null;
  finished_at: Date | null;
  revenue: string | null;
  accepted_missing: string[] | null;
  rows_read: string;
  rows_kept: string;
  rows_duplicate: string;
  rows_rejected: string;
  warnings: string[];
  is_stale: boolean;
  claimed_by: string | null;
  claimed_by_run: string | null;
}

const STALE = 'A delivery was staged but the mart was not updated with it: run the day again.';
const MISSING = 'Run the day: npm run client -- run --date ';

/** What is known of every date of a range; Temporal is asked only about dates that somebody has claimed since. */
export async function dayStatuses(
  database: Database,
  client: Client | undefined,
  from: LoadDate,
  to: LoadDate,
): Promise<DayStatus[]> {
  const rows = await database.query<Row>('status/days', [from, to]);
  return await Promise.all(rows.map(async (row) => statusOf(row, await isRunning(row, client))));
}

function statusOf(row: Row, running: boolean): DayStatus {
  const state = running ? 'running' : stateOf(row);
  const failed = state === 'failed';
  return {
    date: row.load_date,
    state,
    error: failed ? row.error : null,
    error_type: failed ? row.error_type : null,
    next: nextOf(state, row),
    rows_read: Number(row.rows_read),
    rows_kept: Number(row.rows_kept),
    rows_duplicate: Number(row.rows_duplicate),
    rows_rejected: Number(row.rows_rejected),
    revenue: row.revenue,
    warnings: row.warnings,
    accepted_missing: row.accepted_missing ?? [],
    workflow_id: running ? row.claimed_by : row.workflow_id,
    run_id: running ? row.claimed_by_run : row.run_id,
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

function stateOf({ outcome, is_stale }: Row): DayState {
  if (outcome === 'failed') return 'failed';
  // Staged by a run that ended before it updated the mart.
  if (is_stale) return 'stale';
  return outcome ?? 'missing';
}

function nextOf(state: DayState, row: Row): string | null {
  if (state === 'failed') return nextStep(row.error_type) ?? 'Run the day again.';
  if (state === 'stale') return STALE;
  return state === 'missing' ? MISSING + row.load_date : null;
}

async function isRunning(row: Row, client: Client | undefined): Promise<boolean> {
  if (row.claimed_by === null || !client) return false;
  try {
    const { status } = await client.workflow.getHandle(row.claimed_by).describe();
    return status.name === 'RUNNING' || status.name === 'PAUSED';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
