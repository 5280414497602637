import type { z } from 'zod';
import type { Database, Session } from '../../database/database.ts';
import type { RunRef } from '../../domain/day.ts';
import { fileName, fileNames, DAY_STATE_PARAMETERS, ORDERS, type Delivery } from '../../domain/feeds.ts';
import type { loadedInput, outcomeInput } from '../../domain/inputs.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { deliveryKey } from './delivery-key.ts';

export type OutcomeRequest = z.infer<typeof outcomeInput>;
export type LoadedRequest = z.infer<typeof loadedInput>;

/** How many rows a file of a date keeps, beside the median of its last loaded days. */
export interface FileVolume {
  file: string;
  rows_kept: number;
  median: number;
}

export interface Loaded {
  /** Files that the date still needs; it is loaded when there are none. */
  missing: string[];
  /** Files that keep far fewer rows than usual, in sentences. */
  volumeWarnings: string[];
}

/** Records the outcome `loaded` if all files that the date needs are staged. */
export async function recordLoaded(
  session: Session,
  delivery: Delivery,
  { files, acceptedMissing, volumeAlertShare, number, startedAt }: LoadedRequest,
  { workflowId, runId }: RunRef,
): Promise<Loaded> {
  const { loadDate, source } = delivery;
  const volumes =
    source === 'increment' && volumeAlertShare > 0
      ? await session.run<FileVolume>('audit/volume', [loadDate, files])
      : [];
  const small = new Map(
    volumes
      .filter(({ rows_kept, median }) => rows_kept < volumeAlertShare * median)
      .map(({ file, rows_kept, median }) => [
        file,
        `${file} kept ${rows_kept} rows; the median of its last loaded days is ${median} (VOLUME_ALERT_SHARE)`,
      ]),
  );
  await session.run('audit/volume_warning', [loadDate, files, files.map((file) => small.get(file) ?? null)]);
  const { missing } = await session.one<{ missing: string[] }>('audit/day_loaded', [
    ...deliveryKey(delivery),
    fileNames(source),
    fileName({ feed: ORDERS, source }),
    acceptedMissing,
    number,
    workflowId,
    runId,
    startedAt,
    files,
  ]);
  return { missing, volumeWarnings: [...small.values()] };
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
  return await database.one<{ outcome: 'loaded' | 'no_increment'; warnings: string[] }>(
    'audit/no_increment',
    [loadDate, fileNames(source), fileName({ feed: ORDERS, source }), number, workflowId, runId, startedAt],
    signal,
  );
}

export interface OpenDays {
  days: number;
  first_date: LoadDate | null;
  last_date: LoadDate | null;
}

/** The days before a date that are due and neither loaded nor known to have no increment. */
export async function openDaysBefore(
  database: Database,
  loadDate: LoadDate,
  signal: AbortSignal,
): Promise<OpenDays> {
  return await database.one<OpenDays & object>(
    'audit/open_days',
    [loadDate, ...DAY_STATE_PARAMETERS],
    signal,
  );
}
