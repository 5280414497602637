import type { DayResult, DeliveryRef, RunOptions } from '../domain/day.ts';
import { failure } from '../domain/failures.ts';
import { claimDay } from './steps/claim.ts';
import { describe, finalFailure } from './steps/failures.ts';
import { loadDelivery } from './steps/load.ts';
import { failed, finish } from './steps/outcome.ts';
import { missingFiles } from './steps/missing-files.ts';
import { planOptions } from './steps/plan.ts';
import { waitForReport, type FinishedReport } from './steps/report.ts';
import { Progress } from './steps/run-state.ts';
import { Tags } from './steps/tags.ts';

export interface SalesHistoryInput {
  options?: Partial<RunOptions>;
  /** Whether the namespace has the custom search attributes. */
  tagged?: boolean;
}

/** Loads the full report as history, under its start_day: every increment is newer than it. */
export async function salesHistory(input: SalesHistoryInput = {}): Promise<DayResult> {
  const startedAt = new Date().toISOString();
  const progress = new Progress();
  const tags = new Tags(input.tagged);
  const options = await planOptions(input.options);
  let delivery: DeliveryRef | undefined;
  try {
    const report = await waitForReport(options, progress);
    delivery = { loadDate: startDayOf(report), kind: 'report' };
    tags.loadDate(delivery.loadDate);
    const joined = await claimDay(delivery, progress);
    const result = joined ?? (await load(delivery, report, options, startedAt, progress));
    tags.outcome(result.outcome);
    return finish(result, progress);
  } catch (error) {
    tags.outcome('failed');
    // Without a report there is no date to record the failure under.
    if (delivery) throw await failed(delivery, error, startedAt, progress);
    progress.say(`The history failed: ${describe(error)}`);
    throw finalFailure(error);
  }
}

function startDayOf({ startDay }: FinishedReport): string {
  if (startDay !== undefined) return startDay;
  throw failure(
    'ReportApiAnswerInvalid',
    'The finished report has no usable start_day to stage the history under.',
  );
}

async function load(
  delivery: DeliveryRef,
  report: FinishedReport,
  options: RunOptions,
  startedAt: string,
  progress: Progress,
): Promise<DayResult> {
  const { files, reportId, taskId } = report;
  // OPTIONAL_FILES names files of an increment.
  const optional = { has: (file: string) => options.optionalFiles.includes(`${file}_inc`), named: [] };
  const missing = missingFiles(report, 'report').filter((file) => !optional.has(file));
  if (missing.length > 0) {
    throw failure('FilesMissing', `The full report lacks ${missing.join(', ')}; nothing was loaded.`);
  }
  return await loadDelivery({ delivery, files, reportId, taskId, options, optional, startedAt }, progress);
}
