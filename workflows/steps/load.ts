import { ApplicationFailure } from '@temporalio/workflow';
import type {
  CheckedFile,
  DayResult,
  DeliveryRef,
  LandedFile,
  RunOptions,
  StagedFile,
} from '../../domain/day.ts';
import { databaseSteps, landingSteps } from './activity-options.ts';
import { failure } from '../../domain/failures.ts';
import { allOf, describe, failureType, isWorkerGone } from './failures.ts';
import type { OptionalFiles } from './files.ts';
import type { Progress } from './run-state.ts';

export interface LoadRequest {
  delivery: DeliveryRef;
  files: string[];
  reportId: string;
  taskId: string;
  options: RunOptions;
  /** What the delivery may do without. */
  optional: OptionalFiles;
  startedAt: string;
}

/**
 * Lands, checks and stages the files of a delivery on one worker, then updates the mart. No file is staged
 * before all are checked, so a refused file leaves the day as it was. When the worker that has the files is gone,
 * or its files are, the files are landed anew, wherever a worker is alive.
 */
export async function loadDelivery(request: LoadRequest, progress: Progress): Promise<DayResult> {
  const staged = await stageFiles(request, progress);
  await updateMart(request, staged, progress);
  return {
    date: request.delivery.loadDate,
    outcome: 'loaded',
    files: Object.fromEntries(staged.map(({ file, counts }) => [file, counts])),
    warnings: staged.flatMap(warningsOf),
  };
}

async function stageFiles(request: LoadRequest, progress: Progress): Promise<StagedFile[]> {
  for (let round = 0; ; round += 1) {
    const summary = `where ${request.delivery.loadDate} lands`;
    const taskQueue = await databaseSteps.chooseLanding.executeWithOptions({ summary }, []);
    try {
      return await stageOn(taskQueue, round, request, progress);
    } catch (error) {
      if (!isWorkerGone(error) && failureType(error) !== 'LandedFileGone') throw error;
      progress.say('The worker that had the files is gone, or its files are: landing them anew.');
    }
  }
}

async function stageOn(taskQueue: string, round: number, request: LoadRequest, progress: Progress) {
  const { delivery, files, reportId, taskId, options } = request;
  const { maxRejectedShare } = options;
  const day = delivery.loadDate;
  const { landFile, checkFile, stageFile } = landingSteps(taskQueue, round);
  progress.say(`Downloading ${files.length} files of ${day}.`);
  const landed = await theNeeded(
    request,
    files.map((file) =>
      landFile.executeWithOptions({ summary: `${file} of ${day}` }, [{ delivery, file, reportId, taskId }]),
    ),
  );
  progress.say(`Checking ${landed.length} files of ${day}.`);
  const checked = await allOf(
    landed.map((file) =>
      checkFile.executeWithOptions({ summary: `${file.file} of ${day}` }, [
        { delivery, file, maxRejectedShare },
      ]),
    ),
  );
  progress.say(`Staging ${checked.length} files of ${day}.`);
  return await allOf(
    checked.map((file) =>
      stageFile.executeWithOptions({ summary: summaryOf(file, day) }, [{ delivery, file }]),
    ),
  );
}

/** Object storage does not have the file yet, or not any more under that address. */
const MAY_COME_LATER: ReadonlySet<unknown> = new Set(['FileNotAvailable', 'DownloadInterrupted']);

/** The files that landed; throws `FilesNotLanded` when one is missing that the delivery may not do without. */
async function theNeeded(
  { files, optional }: LoadRequest,
  landing: Promise<LandedFile>[],
): Promise<LandedFile[]> {
  const settled = await Promise.allSettled(landing);
  const failures = files.flatMap((file, index) => {
    const result = settled[index];
    return result?.status === 'rejected' ? [{ file, reason: result.reason as unknown }] : [];
  });
  const grave = failures.find(({ reason }) => !MAY_COME_LATER.has(failureType(reason)));
  if (grave) throw grave.reason;
  // A file that may be missing is not waited for when it is not there; when its download broke off, it is.
  const missing = failures.filter(
    ({ file, reason }) => !optional.has(file) || failureType(reason) !== 'FileNotAvailable',
  );
  if (missing.length > 0) {
    throw failure('FilesNotLanded', missing.map(({ reason }) => describe(reason)).join(' '), {
      details: [missing.map(({ file }) => file)],
    });
  }
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** The files that a failure of type `FilesNotLanded` is about; undefined for any other. */
export function filesNotLanded(error: unknown): string[] | undefined {
  if (!(error instanceof ApplicationFailure) || error.type !== 'FilesNotLanded') return undefined;
  return error.details?.[0] as string[];
}

async function updateMart(
  { delivery, optional, startedAt }: LoadRequest,
  staged: StagedFile[],
  progress: Progress,
): Promise<void> {
  progress.say(`Updating the mart with ${delivery.loadDate}.`);
  const { updateDCity, updateDItem, updateDCustomer, updateFSales } = databaseSteps;
  const summary = `with ${delivery.loadDate}`;
  const acceptedMissing = optional.named.filter((name) => !staged.some(({ file }) => file === name));
  await updateDCity.executeWithOptions({ summary }, [delivery]);
  await updateDItem.executeWithOptions({ summary }, [delivery]);
  await updateDCustomer.executeWithOptions({ summary }, [delivery]);
  await updateFSales.executeWithOptions({ summary }, [{ delivery, acceptedMissing, startedAt }]);
}

function summaryOf({ file, rowsRead }: CheckedFile, day: string): string {
  return `${file} of ${day}, ${rowsRead} rows`;
}

function warningsOf({ file, warnings, superseded }: StagedFile): string[] {
  const all = superseded ? [...warnings, 'a newer download was staged already and stays'] : warnings;
  return all.map((warning) => `${file}: ${warning}`);
}
