import { ApplicationFailure } from '@temporalio/workflow';
import {
  describeFile,
  type CheckedFile,
  type DayResult,
  type DeliveryFile,
  type LandedFile,
  type ReportRef,
  type StagedFile,
} from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import type { Loaded } from '../../activities/update-mart.ts';
import { fileName } from '../../domain/feeds.ts';
import { sharedSteps, PATIENCE_MS } from './activities.ts';
import { sendAlert } from './alerts.ts';
import {
  settleAll,
  describeError,
  failureType,
  isHeartbeatTimeout,
  isScheduleToStartTimeout,
} from './errors.ts';
import { LandingQueue } from './landing-queue.ts';
import type { Run } from './run.ts';

export interface LoadRequest {
  report: ReportRef;
  /** The feeds whose files are loaded. */
  feeds: string[];
  /** Feeds that the run goes without; null when it is about some files of the date only. */
  acceptedMissing: string[] | null;
  /** Whether the run goes without the file of a feed, which could not be landed for this reason. */
  goesWithout: (feed: string, reason: unknown) => boolean;
}

/** Landed files that vanish again and again are not lost by chance. */
const MAX_VANISHED = 5;
const MAX_WAIT_MS = 60_000;

/**
 * Lands, checks and stages the files of a delivery on one worker, then updates the mart. No file is staged
 * before all are checked, so a refused file leaves the day as it was.
 */
export async function loadDelivery(run: Run, request: LoadRequest): Promise<DayResult> {
  const staged = await stageFiles(run, request);
  const stagedFeeds = new Set(staged.map(({ feed }) => feed));
  const acceptedMissing = request.acceptedMissing
    ?.concat(request.feeds.filter((feed) => !stagedFeeds.has(feed)))
    .map((feed) => fileName({ feed, source: run.source }));
  const { missing, volumeWarnings } = await updateMart(run, staged.map(fileName), acceptedMissing ?? null);
  if (volumeWarnings.length > 0)
    await sendAlert(run, { kind: 'volume', error: `${volumeWarnings.join('; ')}.` });
  return {
    date: run.loadDate,
    outcome: missing.length === 0 ? 'loaded' : 'partial',
    files: Object.fromEntries(staged.map((file) => [fileName(file), file.counts])),
    warnings: [
      ...(acceptedMissing ?? []).map((file) => `${file} was missing; the day was loaded without it`),
      ...missing.map((file) => `${file} is not loaded yet`),
      ...volumeWarnings,
      ...staged.flatMap(warningsOf),
    ],
    ...(request.acceptedMissing === null && {
      only: request.feeds.map((feed) => fileName({ feed, source: run.source })),
    }),
  };
}

/** When the worker that has the files is lost, or its disk cannot be used, the files are landed anew elsewhere. */
async function stageFiles(run: Run, request: LoadRequest): Promise<StagedFile[]> {
  const deadline = (run.checkpoint.landingDeadline ??= Date.now() + PATIENCE_MS);
  const avoid = new Set<string>();
  let vanished = 0;
  for (let round = 1; ; round += 1) {
    const summary = run.title;
    const queue = new LandingQueue(
      await sharedSteps.chooseLanding.executeWithOptions({ summary }, [[...avoid]]),
    );
    try {
      return await stageOn(queue, run, request);
    } catch (error) {
      if (failureType(error) === 'LandedFileGone') {
        vanished += 1;
        if (vanished === MAX_VANISHED) throw vanishes(run, error);
      } else if (
        isScheduleToStartTimeout(error) ||
        isHeartbeatTimeout(error) ||
        failureType(error) === 'LandingUnavailable'
      ) {
        avoid.add(queue.name);
      } else throw error;
      if (Date.now() > deadline) throw error;
      run.progress.update(`Landing the files of ${run.title} again: ${describeError(error)}`);
      if (round > 1)
        await run.wait(Math.min(1_000 * 2 ** round, MAX_WAIT_MS), 'until the files are landed again');
    }
  }
}

function vanishes({ title }: Run, error: unknown) {
  return failure(
    'LandedFileGone',
    `The landed files of ${title} disappeared ${MAX_VANISHED} times. ${describeError(error)} Check that no two landing directories ` +
      'have the same .landing-id, as a copied disk would.',
  );
}

async function stageOn(queue: LandingQueue, run: Run, request: LoadRequest): Promise<StagedFile[]> {
  const { progress, title, options } = run;
  const { report, feeds } = request;
  const files = feeds.map((feed): DeliveryFile => ({ ...run.delivery, feed }));
  progress.update(`Downloading ${files.length} files of ${title}.`);
  const landed = await landedOf(
    request,
    files,
    files.map((file) =>
      queue.run(({ landFile }) =>
        landFile.executeWithOptions({ summary: describeFile(file) }, [file, report]),
      ),
    ),
  );
  progress.update(`Checking ${landed.length} files of ${title}.`);
  const checked = await settleAll(
    landed.map((file) =>
      queue.run(({ checkFile }) =>
        checkFile.executeWithOptions({ summary: describeFile(file) }, [file, options.maxRejectedShare]),
      ),
    ),
  );
  for (const { deliveryNumber } of checked) run.rests(deliveryNumber);
  progress.update(`Staging ${checked.length} files of ${title}.`);
  return await settleAll(
    checked.map((file) =>
      queue.run(({ stageFile }) => stageFile.executeWithOptions({ summary: summaryOf(file) }, [file])),
    ),
  );
}

/** The file or its address cannot be had now: storage does not have it yet, or storage or API go on failing. */
const MAY_COME_LATER: ReadonlySet<unknown> = new Set([
  'FileNotAvailable',
  'DownloadInterrupted',
  'ReportApiUnavailable',
  'ReportApiAnswerInvalid',
]);

/** The files that landed; throws `FilesNotLanded` when one is missing that the run may not go without. */
async function landedOf(
  { goesWithout }: LoadRequest,
  files: readonly DeliveryFile[],
  landing: Promise<LandedFile>[],
): Promise<LandedFile[]> {
  const settled = await Promise.allSettled(landing);
  const failures = files.flatMap(({ feed }, index) => {
    const result = settled[index];
    return result?.status === 'rejected' ? [{ feed, reason: result.reason as unknown }] : [];
  });
  const final = failures.find(({ reason }) => !MAY_COME_LATER.has(failureType(reason)));
  if (final) throw final.reason;
  const missing = failures.filter(({ feed, reason }) => !goesWithout(feed, reason));
  if (missing.length > 0) {
    throw failure('FilesNotLanded', missing.map(({ reason }) => describeError(reason)).join(' '), {
      details: [missing.map(({ feed }) => feed)],
    });
  }
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** The feeds that a failure of type `FilesNotLanded` is about; undefined for any other. */
export function feedsNotLanded(error: unknown): string[] | undefined {
  if (!(error instanceof ApplicationFailure) || error.type !== 'FilesNotLanded') return undefined;
  return error.details?.[0] as string[];
}

/** The dimensions first, so that no fact lacks one. */
async function updateMart(run: Run, files: string[], acceptedMissing: string[] | null): Promise<Loaded> {
  run.progress.update(`Updating the mart with ${run.title}.`);
  const { updateDCity, updateDItem, updateDCustomer, updateFSales } = sharedSteps;
  const { delivery, checkpoint, options } = run;
  const { volumeAlertShare } = options;
  const summary = run.title;
  await settleAll([
    updateDCity.executeWithOptions({ summary }, [delivery]),
    updateDItem.executeWithOptions({ summary }, [delivery]),
    updateDCustomer.executeWithOptions({ summary }, [delivery]),
  ]);
  const { startedAt } = checkpoint;
  return await updateFSales.executeWithOptions({ summary }, [
    delivery,
    { files, acceptedMissing, volumeAlertShare, number: run.number ?? 0, startedAt },
  ]);
}

function summaryOf(file: CheckedFile): string {
  return `${describeFile(file)}, ${file.rowsRead} rows`;
}

function warningsOf(file: StagedFile): string[] {
  const { warnings, superseded } = file;
  const all = superseded ? [...warnings, 'a newer download was already staged and is kept'] : warnings;
  return all.map((warning) => `${fileName(file)}: ${warning}`);
}
