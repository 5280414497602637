import { ApplicationFailure } from '@temporalio/workflow';
import {
  describeFile,
  type DayResult,
  type DeliveryFile,
  type LandedFile,
  type ReportRef,
  type StagedFile,
} from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import type { Loaded } from '../../activities/update-mart.ts';
import { fileName } from '../../domain/feeds.ts';
import { steps } from './activities.ts';
import { sendAlert } from './alerts.ts';
import { describeError, failureType, reasonsOf, valuesOf, worstOf } from './errors.ts';
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

/** Landed rows that vanish again and again are not lost by chance. */
const MAX_LANDINGS = 10;

/**
 * Lands and stages the files of a delivery, then updates the mart. No file is staged before all have landed, and so are
 * checked: a refused file leaves the day as it was.
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

/** Rows that are gone when the run comes to them, after a reset for instance, are landed again. */
async function stageFiles(run: Run, request: LoadRequest): Promise<StagedFile[]> {
  const { progress, title } = run;
  const staged: StagedFile[] = [];
  let { feeds } = request;
  for (let landings = 1; feeds.length > 0; landings += 1) {
    progress.update(`Downloading ${feeds.length} files of ${title}.`);
    const landed = await landFiles(run, request, feeds);
    progress.update(`Staging ${landed.length} files of ${title}.`);
    const settled = await Promise.allSettled(landed.map((file) => stageFile(run, file)));
    const isGone = (error: unknown) => failureType(error) === 'LandedRowsGone' && landings < MAX_LANDINGS;
    const final = reasonsOf(settled).filter((error) => !isGone(error));
    if (final.length > 0) throw worstOf(final);
    staged.push(...valuesOf(settled));
    feeds = landed.filter((_, index) => settled[index]?.status === 'rejected').map(({ feed }) => feed);
  }
  return staged;
}

async function stageFile(run: Run, landed: LandedFile): Promise<StagedFile> {
  run.raiseNumber(landed.deliveryNumber);
  const { loadDate, source, feed, deliveryNumber, rowsRead } = landed;
  const summary = `${describeFile(landed)}, ${rowsRead} rows`;
  return await steps.stageFile.executeWithOptions({ summary }, [{ loadDate, source, feed, deliveryNumber }]);
}

/** The file or its address cannot be had now: storage does not have it yet, or storage or API go on failing. */
const MAY_COME_LATER: ReadonlySet<unknown> = new Set([
  'FileNotAvailable',
  'DownloadInterrupted',
  'ReportApiUnavailable',
  'ReportApiAnswerInvalid',
]);

/** Lands files; throws `FilesNotLanded` when one is missing that the run may not go without. */
async function landFiles(
  { delivery, options }: Run,
  { report, goesWithout }: LoadRequest,
  feeds: readonly string[],
): Promise<LandedFile[]> {
  const landing = feeds.map(async (feed) => {
    const file: DeliveryFile = { ...delivery, feed };
    const summary = describeFile(file);
    return await steps.landFile.executeWithOptions({ summary }, [file, report, options.maxRejectedShare]);
  });
  const settled = await Promise.allSettled(landing);
  const final = reasonsOf(settled).filter((reason) => !MAY_COME_LATER.has(failureType(reason)));
  if (final.length > 0) throw worstOf(final);
  const missing = feeds.flatMap((feed, index) => {
    const result = settled[index];
    if (result?.status !== 'rejected' || goesWithout(feed, result.reason)) return [];
    return [{ feed, reason: result.reason as unknown }];
  });
  if (missing.length > 0) {
    throw failure('FilesNotLanded', missing.map(({ reason }) => describeError(reason)).join(' '), {
      details: [missing.map(({ feed }) => feed)],
    });
  }
  return valuesOf(settled);
}

/** The feeds that a failure of type `FilesNotLanded` is about; undefined for any other. */
export function feedsNotLanded(error: unknown): string[] | undefined {
  if (!(error instanceof ApplicationFailure) || error.type !== 'FilesNotLanded') return undefined;
  return error.details?.[0] as string[];
}

/** The dimensions first, so that no fact lacks one. */
async function updateMart(run: Run, files: string[], acceptedMissing: string[] | null): Promise<Loaded> {
  run.progress.update(`Updating the mart with ${run.title}.`);
  const { delivery, title: summary } = run;
  const { volumeAlertShare } = run.options;
  await steps.updateDimensions.executeWithOptions({ summary }, [delivery]);
  const { number = 0, startedAt } = run.checkpoint;
  return await steps.updateFSales.executeWithOptions({ summary }, [
    delivery,
    { files, acceptedMissing, volumeAlertShare, number, startedAt },
  ]);
}

function warningsOf(file: StagedFile): string[] {
  const superseded = file.superseded ? ['a newer download was already staged and is kept'] : [];
  return [...file.warnings, ...superseded].map((warning) => `${fileName(file)}: ${warning}`);
}
