import { Readable } from 'node:stream';
import { ApplicationFailure } from '@temporalio/common';
import type { Database, Session } from '../../database/database.ts';
import { NAMES_LOCK, stagingLock } from '../../database/locks.ts';
import {
  describeFile,
  type CheckedFile,
  type FileCounts,
  type RunRef,
  type StagedFile,
} from '../../domain/day.ts';
import { feedNamed, fileName, ORDERS } from '../../domain/feeds.ts';
import { verifiedChunks, verify, type VerifiedFile } from '../../runtime/verified-file.ts';
import { deliveryKey } from './delivery-key.ts';

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
    await copyRejected(session, paths.rejected, file);
    await session.lock(stagingLock(file.loadDate, name));
    const newer = await findNewer(session, file);
    if (newer) return newer;
    if (file.feed === ORDERS) await withholdNames(session);
    const counts = await replaceRows(session, file);
    await replaceRejected(session, file);
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
  await copyChecked(session, `copy incoming (ordinal, ${inFile.join(', ')}) from stdin`, {
    path: rowsPath,
    sha256: file.rowsSha256,
    description: `The file of good rows of ${describeFile(file)}`,
  });
}

/** Fills the session's table `rejected`. */
async function copyRejected(session: Session, rejectedPath: string, file: CheckedFile): Promise<void> {
  const columns = 'line, column_name, rule, reason, raw';
  await session.query(
    `create temporary table rejected on commit drop as
     select ${columns} from staging.rejected_row with no data`,
  );
  await copyChecked(session, `copy rejected (${columns}) from stdin`, {
    path: rejectedPath,
    sha256: file.rejectedSha256,
    description: `The file of rejected rows of ${describeFile(file)}`,
  });
}

/** Takes the names of forgotten customers from what is about to be staged. */
async function withholdNames(session: Session): Promise<void> {
  await session.lockShared(NAMES_LOCK);
  const [row] = await session.run<{ names: string[] }>('forget/incoming');
  await session.run('forget/rejected', [row?.names ?? []]);
}

/** Date and file are the activity's own: what lies on disk cannot change another one's rejected rows. */
async function replaceRejected(session: Session, file: CheckedFile): Promise<void> {
  const key = [file.loadDate, fileName(file)];
  await session.run('staging/delete_rejected', key);
  await session.run('staging/rejected_row', key);
}

/** What has changed may be what the server refuses; of that, too, a new download is the remedy. */
async function copyChecked(session: Session, statement: string, file: VerifiedFile): Promise<void> {
  try {
    await session.copyFrom(statement, Readable.from(verifiedChunks(file), { objectMode: false }));
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === 'DatabaseRefused') await verify(file);
    throw error;
  }
}
