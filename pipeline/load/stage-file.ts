import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { Database, Session } from '../../database/database.ts';
import { feedOf, type Feed } from '../../domain/feeds.ts';
import type { CheckedFile, DeliveryRef, StagedFile } from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import { inSpan, SQL_FACTS } from '../../runtime/tracing/span.ts';

export interface StageRequest {
  delivery: DeliveryRef;
  file: CheckedFile;
  rowsPath: string;
  rejectedPath: string;
  run: { workflowId: string; runId: string; attempt: number; startedAt: Date };
}

const REJECTED_COLUMNS = 'load_date, file, line, column_name, rule, reason, raw';
/** Bytes per read; one COPY message of the protocol each. */
const COPY_CHUNK_BYTES = 256 * 1024;

/** The lock under which a file of a date is staged; who holds the mart's lock may wait for it, never the other way round. */
export function stagingLock({ loadDate }: DeliveryRef, file: string): string {
  return `staging ${loadDate} ${file}`;
}

/**
 * Stages one checked file in one transaction: its rows, its rejected rows and its audit row replace those of the
 * same date and file. An older download never replaces a newer one.
 */
export async function stageFile(
  database: Database,
  request: StageRequest,
  signal: AbortSignal,
): Promise<StagedFile> {
  return await database.transaction((session) => stageIn(session, request, signal), signal);
}

async function stageIn(session: Session, request: StageRequest, signal: AbortSignal): Promise<StagedFile> {
  const { delivery, file, run } = request;
  const feed = feedOf(file.file);
  await copyIncoming(session, feed, request, signal);
  await session.lock(stagingLock(delivery, file.file));
  const newer = await findNewer(session, delivery.loadDate, file);
  if (newer) return newer;
  const [kept] = await session.run<{ rows_kept: string }>(`staging/${feed.name}`, [
    delivery.loadDate,
    delivery.kind === 'report',
  ]);
  const rowsKept = Number(kept?.rows_kept);
  const counts = {
    rows_read: file.rowsRead,
    rows_kept: rowsKept,
    rows_duplicate: file.rowsRead - file.rowsRejected - rowsKept,
    rows_rejected: file.rowsRejected,
  };
  await session.run('staging/forget_rejected', [delivery.loadDate, file.file]);
  await copy(
    session,
    `copy staging.rejected_row (${REJECTED_COLUMNS}) from stdin`,
    request.rejectedPath,
    signal,
  );
  await session.run('audit/file_load', [
    delivery.loadDate,
    file.file,
    file.delivery,
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
  return { file: file.file, counts, warnings: file.warnings, superseded: false };
}

/** Fills the session's table `incoming` (of the feed's columns, plus the row's position in the file). */
async function copyIncoming(
  session: Session,
  feed: Feed,
  request: StageRequest,
  signal: AbortSignal,
): Promise<void> {
  const columns = feed.columns.map((column) => column.name);
  await session.client.query(
    `create temporary table incoming on commit drop as
     select null::bigint as ordinal, ${columns.join(', ')} from staging.${feed.name} with no data`,
  );
  const inFile = feed.newestBy
    ? [feed.newestBy, ...columns.filter((name) => name !== feed.newestBy)]
    : columns;
  const rows = await copy(
    session,
    `copy incoming (ordinal, ${inFile.join(', ')}) from stdin`,
    request.rowsPath,
    signal,
  );
  if (rows !== request.file.rowsPrepared) {
    throw failure(
      'LandedFileGone',
      `The checked rows of ${request.file.file} of ${request.delivery.loadDate} have changed on disk ` +
        `(${rows} instead of ${request.file.rowsPrepared}).`,
    );
  }
  await session.client.query('analyze incoming');
}

async function copy(session: Session, statement: string, path: string, signal: AbortSignal): Promise<number> {
  const source = createReadStream(path, { highWaterMark: COPY_CHUNK_BYTES });
  const target = copyFrom(statement);
  // A stream whose connection is gone waits for a drain that never comes: end it by hand.
  const onError = (error: Error) => target.destroy(error);
  session.client.once('error', onError);
  try {
    return await inSpan('copy', SQL_FACTS, async (span) => {
      session.client.query(target);
      await pipeline(source, target, { signal });
      span.note({ 'sales.rows': target.rowCount });
      return target.rowCount;
    });
  } finally {
    session.client.off('error', onError);
  }
}

async function findNewer(
  session: Session,
  loadDate: string,
  file: CheckedFile,
): Promise<StagedFile | undefined> {
  const [staged] = await session.run<{
    delivery: string;
    rows_read: string;
    rows_kept: string;
    rows_duplicate: string;
    rows_rejected: string;
    warnings: string[];
  }>('staging/staged_delivery', [loadDate, file.file]);
  if (!staged || Number(staged.delivery) <= file.delivery) return undefined;
  const counts = {
    rows_read: Number(staged.rows_read),
    rows_kept: Number(staged.rows_kept),
    rows_duplicate: Number(staged.rows_duplicate),
    rows_rejected: Number(staged.rows_rejected),
  };
  return { file: file.file, counts, warnings: staged.warnings, superseded: true };
}
