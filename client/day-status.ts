import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Database } from '../database/database.ts';
import { DAY_STATE_PARAMETERS, fileNames } from '../domain/feeds.ts';
import { nextStep } from '../domain/failures.ts';
import type { LoadDate } from '../domain/load-date.ts';
import type { DayState, DayStatus } from '../schemas/documents.ts';

interface Row {
  date: LoadDate;
  state: Exclude<DayState, 'running'>;
  missing_files: string[];
  error: string | null;
  error_type: string | null;
  workflow_id: string | null;
  run_id: string | null;
  finished_at: Date | null;
  revenue: string | null;
  accepted_missing: string[];
  rows_read: number;
  rows_kept: number;
  rows_duplicate: number;
  rows_rejected: number;
  warnings: string[];
  claimed_by: string | null;
  claimed_by_run: string | null;
}

const STALE = 'Staged data is not in the mart yet: run the day again.';
const MISSING = 'Run the day: npm run client -- run --date ';

/** The status of every date of a range. Temporal is asked only about dates that a run has claimed. */
export async function dayStatuses(
  database: Database,
  client: Client | undefined,
  from: LoadDate,
  to: LoadDate,
): Promise<DayStatus[]> {
  const rows = await database.query<Row>('status/days', [from, to, ...DAY_STATE_PARAMETERS]);
  return await Promise.all(rows.map(async (row) => statusOf(row, await isRunning(row, client))));
}

function statusOf(row: Row, running: boolean): DayStatus {
  const { claimed_by, claimed_by_run, finished_at, error, error_type, ...known } = row;
  const state = running ? 'running' : row.state;
  return {
    ...known,
    state,
    error: state === 'failed' ? error : null,
    error_type: state === 'failed' ? error_type : null,
    next: nextOf(state, row),
    workflow_id: running ? claimed_by : row.workflow_id,
    run_id: running ? claimed_by_run : row.run_id,
    finished_at: finished_at?.toISOString() ?? null,
  };
}

/** Files that a day still needs where it has, or does without, some of the others. */
export function remainingFiles({ missing_files: missing, accepted_missing: accepted }: DayStatus): string[] {
  return missing.length + accepted.length < fileNames('increment').length ? missing : [];
}

function nextOf(state: DayState, row: Row): string | null {
  if (state === 'failed') return nextStep(row.error_type) ?? 'Run the day again.';
  if (state === 'stale') return STALE;
  return state === 'missing' ? MISSING + row.date : null;
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
