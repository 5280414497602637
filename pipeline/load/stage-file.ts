import { createReadStream } from 'node:fs';
import type { Database, Session } from '../../database/database.ts';
import {
  describeFile,
  type CheckedFile,
  type FileCounts,
  type RunRef,
  type StagedFile,
} from '../../domain/day.ts';
import { feedNamed, fileName } from '../../domain/feeds.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { deliveryKey } from './delivery-key.ts';
import { failure } from '../../domain/failures.ts';

/** The run that stages, for the audit row. */
export interface StagingRun extends RunRef {
  attempt: number;
  startedAt: Date;
}

/** Where the rows of a checked file are, in COPY format. */
export interface RowPaths {
  rows: string;
  rejected: string;
}

const REJECTED_COLUMNS = 'load_date, file, line, column_name, rule, reason, raw';
/** Bytes per read; one COPY message of the protocol each. */
const COPY_CHUNK_BYTES = 256 * 1024;

/** The lock under which a file of a date is staged; who holds a lock of the mart may wait for it, never the other way round. */
export function stagingLock(loadDate: LoadDate, file: string): string {
  return `staging ${loadDate} ${file}`;
}

/**
 * Stages one checked file in one transaction: its rows, its rejected rows and its audit row replace those of the
 * same date and file. An older download never replaces a newer one.
 */
export async function stageFile(
  database: Database,
  paths: RowPaths,
  file: CheckedFile,
  run: StagingRun,
  signal: AbortSignal,
): Promise<StagedFile> {
  const name = fileName(file);
  return await database.transaction(async (session) => {
    await copyIncoming(session, paths.rows, file);
    await session.lock(stagingLock(file.loadDate, name));
    const newer = await findNewer(session, file);
    if (newer) return newer;
    const counts = await replaceRows(session, file);
    await session.run('staging/forget_rejected', [file.loadDate, name]);
    await copy(session, `copy staging.rejected_row (${REJECTED_COLUMNS}) from stdin`, paths.rejected);
    await session.run('audit/file_load', [
      file.loadDate,
      name,
      file.deliveryNumber,
      file.sha256,
      file.bytes,
      counts.rows_read,
      counts.rows_kept,
      counts.rows_duplicate,
      counts.rows_rejected,
      file.warnings,
      run.workflowId,
      run.runId,
      run.attempt,
      run.startedAt.toISOString(),
    ]);
    return stagedFile(file, counts, file.warnings, false);
  }, signal);
}

async function replaceRows(session: Session, file: CheckedFile): Promise<FileCounts> {
  const { feed, rowsRead, rowsRejected } = file;
  const [row] = await session.run<{ rows_kept: string }>(`staging/${feed}`, deliveryKey(file));
  const kept = Number(row?.rows_kept);
  return {
    rows_read: rowsRead,
    rows_kept: kept,
    rows_duplicate: rowsRead - rowsRejected - kept,
    rows_rejected: rowsRejected,
  };
}

function stagedFile(
  { loadDate, source, feed }: CheckedFile,
  counts: FileCounts,
  warnings: string[],
  superseded: boolean,
): StagedFile {
  return { loadDate, source, feed, counts, warnings, superseded };
}

async function findNewer(session: Session, file: CheckedFile): Promise<StagedFile | undefined> {
  const [staged] = await session.run<{ delivery_number: number; counts: FileCounts; warnings: string[] }>(
    'staging/staged_delivery',
    [file.loadDate, fileName(file)],
  );
  if (!staged || staged.delivery_number <= file.deliveryNumber) return undefined;
  return stagedFile(file, staged.counts, staged.warnings, true);
}

/** Fills the session's table `incoming` (of the feed's columns, plus the row's position in the file). */
async function copyIncoming(session: Session, rowsPath: string, file: CheckedFile): Promise<void> {
  const { name, columns: all, newestBy } = feedNamed(file.feed);
  const columns = all.map((column) => column.name);
  await session.query(
    `create temporary table incoming on commit drop as
     select null::bigint as ordinal, ${columns.join(', ')} from staging.${name} with no data`,
  );
  const inFile = newestBy ? [newestBy, ...columns.filter((column) => column !== newestBy)] : columns;
  const rows = await copy(session, `copy incoming (ordinal, ${inFile.join(', ')}) from stdin`, rowsPath);
  if (rows !== file.rowsPrepared) {
    throw failure(
      'LandedFileGone',
      `The checked rows of ${describeFile(file)} have changed on disk (${rows} instead of ${file.rowsPrepared}).`,
    );
  }
  await session.query('analyze incoming');
}

async function copy(session: Session, statement: string, path: string): Promise<number> {
  return await session.copyFrom(statement, createReadStream(path, { highWaterMark: COPY_CHUNK_BYTES }));
}
