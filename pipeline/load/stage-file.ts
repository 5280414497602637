import type { Database, Session } from '../../database/database.ts';
import { NAMES_LOCK, stagingLock } from '../../database/locks.ts';
import {
  describeFile,
  type Download,
  type FileCounts,
  type RunRef,
  type StagedFile,
} from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import { fileName } from '../../domain/feeds.ts';
import { deliveryKey } from './delivery-key.ts';
import { feedSql } from './feed-sql.ts';

/** The run that stages, for the audit row. */
export interface StagingRun extends RunRef {
  attempt: number;
  startedAt: Date;
}

export interface Staged {
  staged: StagedFile;
  /** Bytes of a file that is staged now; 0 when it was before, or a newer one is. */
  newBytes: number;
}

/** What the audit row of a staged file says. */
interface FileLoad {
  counts: FileCounts;
  warnings: string[];
  bytes: number;
}

/** What is known of a download and of its file, in the lock of both. */
interface Known extends Omit<FileLoad, 'bytes'> {
  /** Its rows wait to be staged. */
  is_landed: boolean;
  /** The delivery number that is staged; null: none is. */
  staged_number: number | null;
}

/**
 * Stages one landed file in one transaction: its rows, its rejected rows and its audit row replace those of the same
 * date and file. An older download never replaces a newer one; one that is staged already stays as it is.
 * Throws `LandedRowsGone` when its rows are not there any more.
 */
export async function stageFile(
  database: Database,
  file: Download,
  run: StagingRun,
  signal: AbortSignal,
): Promise<Staged> {
  const { loadDate, source, feed, deliveryNumber } = file;
  const name = fileName(file);
  return await database.transaction(async (session) => {
    await session.lock(stagingLock(loadDate, name));
    await session.lockShared(NAMES_LOCK);
    const known = await session.one<Known>('staging/known_delivery', [loadDate, name, deliveryNumber]);
    const { staged_number } = known;
    const isNew = staged_number === null || staged_number < deliveryNumber;
    if (isNew && !known.is_landed) {
      throw failure('LandedRowsGone', `The rows of ${describeFile(file)} are no longer in the database.`);
    }
    const { counts, warnings, bytes } = isNew ? await replace(session, file, run) : { ...known, bytes: 0 };
    await session.query(feedSql('discard', feed), [loadDate, name, deliveryNumber]);
    const superseded = !isNew && staged_number !== deliveryNumber;
    return { staged: { loadDate, source, feed, counts, warnings, superseded }, newBytes: bytes };
  }, signal);
}

async function replace(session: Session, file: Download, run: StagingRun): Promise<FileLoad> {
  const { loadDate, feed, deliveryNumber } = file;
  const name = fileName(file);
  const merged = await session.query<{ rows_kept: number }>(feedSql('merge', feed), [
    ...deliveryKey(file),
    deliveryNumber,
  ]);
  await session.run('staging/delete_rejected', [loadDate, name]);
  await session.run('staging/rejected_row', [loadDate, name, deliveryNumber]);
  return await session.one<FileLoad>('audit/file_load', [
    deliveryNumber,
    merged.rows[0]?.rows_kept,
    run.workflowId,
    run.runId,
    run.attempt,
    run.startedAt.toISOString(),
  ]);
}
