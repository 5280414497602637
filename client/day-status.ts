import type { Client } from '@temporalio/client';
import type { Database } from '../database/database.ts';
import { DAY_STATE_PARAMETERS, fileNames } from '../domain/feeds.ts';
import { nextStep } from '../domain/failures.ts';
import type { LoadDate } from '../domain/load-date.ts';
import { openRun } from '../runtime/open-run.ts';
import type { DayState, DayStatus } from '../schemas/documents.ts';

interface Row extends Omit<DayStatus, 'next' | 'finished_at'> {
  finished_at: Date | null;
  newer_claim: string | null;
  older_claim: string | null;
}

/**
 * The status of every date of a range. Temporal is asked only about dates that a run has claimed; where it does not
 * answer, `onUnknown` is told why, and no date is marked as running.
 */
export async function dayStatuses(
  database: Database,
  client: Client | undefined,
  from: LoadDate,
  to: LoadDate,
  onUnknown: (error: unknown) => undefined = () => undefined,
): Promise<DayStatus[]> {
  const rows = await database.query<Row>('status/days', [from, to, ...DAY_STATE_PARAMETERS]);
  const open = client && (await openRuns(client, rows).catch(onUnknown));
  return rows.map((row) => statusOf(row, runningIn(row, open)));
}

function statusOf(row: Row, running: string | undefined): DayStatus {
  const { newer_claim, older_claim, finished_at, error, error_type, ...known } = row;
  const state = running === undefined ? row.state : 'running';
  return {
    ...known,
    state,
    error: state === 'failed' ? error : null,
    error_type: state === 'failed' ? error_type : null,
    next: nextOf(state, row),
    workflow_id: running === undefined ? row.workflow_id : (newer_claim ?? older_claim),
    run_id: running ?? row.run_id,
    finished_at: finished_at?.toISOString() ?? null,
  };
}

/** Files that a day still needs where it has, or does without, some of the others. */
export function remainingFiles({ missing_files: missing, accepted_missing: accepted }: DayStatus): string[] {
  return missing.length + accepted.length < fileNames('increment').length ? missing : [];
}

function nextOf(state: DayState, row: Row): string | null {
  if (state === 'failed') return nextStep(row.error_type) ?? 'Run the day again.';
  if (state === 'stale') return 'Staged data is not in the mart yet: run the day again.';
  return state === 'missing' ? `Run the day: npm run client -- run --date ${row.date}` : null;
}

/** The run id of the run that works on a date; its own outcome, once it is recorded, counts as its end. */
function runningIn(row: Row, open: ReadonlyMap<string, string> = new Map()): string | undefined {
  const { newer_claim, older_claim, workflow_id, run_id } = row;
  const runId = open.get(newer_claim ?? older_claim ?? '');
  return older_claim !== null && older_claim === workflow_id && run_id === runId ? undefined : runId;
}

const OPEN_DAYS = 'WorkflowType = "salesIncrement" and ExecutionStatus = "Running"';
/** Calls at once: twenty years of days can be claimed by runs that were terminated. */
const CALLS_AT_ONCE = 20;
const TIMEOUT_MS = 30_000;

/**
 * The open ones of the runs that have claimed a date, run id by workflow id. Of a claim that is older than the outcome
 * of its date only a list tells that its run is open again, after a reset.
 */
async function openRuns(client: Client, rows: readonly Row[]): Promise<Map<string, string>> {
  const open = new Map<string, string>();
  await client.connection.withDeadline(Date.now() + TIMEOUT_MS, async () => {
    const asked = new Set(rows.flatMap(({ newer_claim }) => newer_claim ?? []));
    const older = new Set(rows.flatMap(({ older_claim }) => older_claim ?? []));
    if (older.size > 0)
      for await (const { workflowId } of client.workflow.list({ query: OPEN_DAYS }))
        if (older.has(workflowId)) asked.add(workflowId);
    const queue = asked.values();
    const ask = async () => {
      for (const workflowId of queue) {
        const run = await openRun(client, workflowId);
        if (run) open.set(workflowId, run.runId);
      }
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, ask));
  });
  return open;
}
