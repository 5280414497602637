import type { Database, Session } from '../../database/database.ts';
import type { RunRef } from '../../domain/day.ts';
import { fileName, fileNames, ORDERS, type Delivery } from '../../domain/feeds.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { deliveryKey } from './delivery-key.ts';

export interface OutcomeRequest {
  /** Orders the outcome among those of other runs: of two, the one with the greater number stays. */
  number: number;
  /** ISO instant of the run's start. */
  startedAt: string;
}

export interface LoadedRequest extends OutcomeRequest {
  /** Files that the run went without; null when it was about some files of the date only. */
  acceptedMissing: string[] | null;
}

/** Records the outcome `loaded` if all files that the date needs are staged; returns those that are not. */
export async function recordLoaded(
  session: Session,
  delivery: Delivery,
  { acceptedMissing, number, startedAt }: LoadedRequest,
  { workflowId, runId }: RunRef,
): Promise<{ missing: string[] }> {
  const { source } = delivery;
  const [row] = await session.run<{ missing: string[] }>('audit/day_loaded', [
    ...deliveryKey(delivery),
    fileNames(source),
    fileName({ feed: ORDERS, source }),
    acceptedMissing,
    number,
    workflowId,
    runId,
    startedAt,
  ]);
  return { missing: row?.missing ?? [] };
}

/** Records the outcome `failed`, unless a newer one stands. */
export async function recordFailed(
  database: Database,
  delivery: Delivery,
  { error, errorType, number, startedAt }: OutcomeRequest & { error: string; errorType: string },
  { workflowId, runId }: RunRef,
  signal: AbortSignal,
): Promise<void> {
  // PostgreSQL cannot store a NUL character.
  const text = error.replaceAll('\0', '\u2400');
  const values = [...deliveryKey(delivery), text, errorType, number, workflowId, runId, startedAt];
  await database.query('audit/failed', values, signal);
}

/** Records the outcome `no_increment`, unless a newer one stands or the date is loaded, which it then stays. */
export async function recordNoIncrement(
  database: Database,
  loadDate: LoadDate,
  { number, startedAt }: OutcomeRequest,
  { workflowId, runId }: RunRef,
  signal: AbortSignal,
): Promise<{ outcome: 'loaded' | 'no_increment'; warnings: string[] }> {
  const source = 'increment';
  const [row] = await database.query<{ outcome: 'loaded' | 'no_increment'; warnings: string[] }>(
    'audit/no_increment',
    [loadDate, fileNames(source), fileName({ feed: ORDERS, source }), number, workflowId, runId, startedAt],
    signal,
  );
  return row ?? { outcome: 'no_increment', warnings: [] };
}
