import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import type { DeliveryRef, LandedFile } from '../domain/day.ts';
import { failure } from '../domain/failures.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** A download that has not got a byte for this long is nobody's any more: its worker was killed. */
const ABANDONED_AFTER_MS = 3_600_000;

/** Tries of one address; then the run asks for another. */
const MOST_DOWNLOADS = 5;

export interface LandRequest {
  delivery: DeliveryRef;
  file: string;
  /** The finished report, by which the API gives the file's address. */
  reportId: string;
  /** For history: the task that made the report. */
  taskId: string;
}

/**
 * Downloads one file to the landing directory. The address is asked for here, at every try: it is a secret that
 * must not stand in a history, and it may have expired since the run began.
 */
export function landFile({ database, reportApi, downloader, landing, now }: ActivityDependencies) {
  return async function landFile(request: LandRequest): Promise<LandedFile> {
    const { delivery, file } = request;
    const signal = cancellation();
    const [numbered] = await database.query<{ delivery: string }>('audit/next_delivery', [], signal);
    const address = (await addresses(request, signal))[file];
    if (address === undefined) {
      throw failure('FileNotAvailable', `${file} of ${delivery.loadDate} has no address any more.`);
    }
    const target = landing.csvPath(delivery, file);
    const { bytes, sha256 } = await downloader.download(file, address, target, signal).catch(givenUpInTime);
    await dropAbandoned(target, now().getTime() - ABANDONED_AFTER_MS);
    return { file, delivery: Number(numbered?.delivery), bytes, sha256 };
  };

  /**
   * A download that goes on failing is left to the run, which asks for the increment anew and knows when to stop.
   * Only then: a database or a disk that cannot be used, or a worker that is lost, says nothing about the file.
   */
  function givenUpInTime(error: unknown): never {
    const isInterrupted = error instanceof ApplicationFailure && error.type === 'DownloadInterrupted';
    if (!isInterrupted || currentRun().attempt < MOST_DOWNLOADS) throw error;
    throw ApplicationFailure.create({ type: error.type, message: error.message, nonRetryable: true });
  }

  async function addresses({ delivery, reportId, taskId }: LandRequest, signal: AbortSignal) {
    if (delivery.kind === 'report') {
      const report = await reportApi.getReport(taskId, signal);
      return report.status === 'SUCCESS' ? report.urls : {};
    }
    const increment = await reportApi.getIncrement(reportId, delivery.loadDate, signal);
    return increment.found ? increment.urls : {};
  }
}

/** Removes what workers that were killed in the middle of a download have left of this file. */
async function dropAbandoned(target: string, before: number): Promise<void> {
  const directory = path.dirname(target);
  const names = await readdir(directory);
  for (const name of names.filter((one) => one.startsWith(`.${path.basename(target)}.`))) {
    const temporary = path.join(directory, name);
    // Gone meanwhile: another try has just ended.
    const written = await stat(temporary).catch(() => undefined);
    if (written && written.mtimeMs < before) await rm(temporary, { force: true });
  }
}
