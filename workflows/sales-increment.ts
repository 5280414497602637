import { CancellationScope, isCancellation, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { PlanRequest, RunPlan } from '../activities/plan-run.ts';
import type { DayResult, DeliveryRef, RunOptions } from '../shared/day.ts';
import { isLoadDate, type LoadDate } from '../shared/load-date.ts';
import { databaseSteps, outcomeSteps } from './steps/activity-options.ts';
import { claimDay } from './steps/claim.ts';
import { describe, failureType, finalFailure } from './steps/failures.ts';
import { FileWait } from './steps/files.ts';
import { loadDelivery } from './steps/load.ts';
import { AcceptedFiles, handleMessages } from './steps/messages.ts';
import { waitForReport, type ReportRef } from './steps/report.ts';
import { Progress } from './steps/run-state.ts';

export interface SalesIncrementInput {
  /** YYYY-MM-DD; a scheduled run has none and takes it from the time at which it was due. */
  loadDate?: LoadDate;
  /** What shapes the run; what is absent comes from the worker's settings. */
  options?: Partial<RunOptions>;
  /** A report that is finished already, shared by the days of a backfill. */
  report?: ReportRef;
  schedule?: { timeZone: string; offsetDays: number };
}

/** Loads one day: report, wait, increment, files, staging, mart. */
export async function salesIncrement(input: SalesIncrementInput = {}): Promise<DayResult> {
  const startedAt = new Date().toISOString();
  const progress = new Progress();
  const accepted = new AcceptedFiles();
  handleMessages(progress, accepted);
  const { loadDate, options } = await plan(input);
  accepted.allow(options.optionalFiles);
  const delivery: DeliveryRef = { loadDate, kind: 'increment' };
  try {
    const joined = await claimDay(delivery, progress);
    if (joined) return finish(joined, progress);
    const { reportId, taskId } = input.report ?? (await waitForReport(options, progress));
    const wait = new FileWait(options, accepted, progress);
    for (;;) {
      const files = await wait.untilThere(reportId, loadDate);
      if (!files) return finish(await noIncrement(delivery, startedAt), progress);
      try {
        const acceptedMissing = accepted.named.filter((file) => !files.includes(file));
        const request = { delivery, files, reportId, taskId, options, acceptedMissing, startedAt };
        return finish(await loadDelivery(request, progress), progress);
      } catch (error) {
        if (!MAY_COME_LATER.has(failureType(error))) throw error;
        await wait.again(loadDate, files, describe(error));
      }
    }
  } catch (error) {
    throw await failed(delivery, error, startedAt, progress);
  }
}

/** Object storage does not have the file yet, or not any more under that address. */
const MAY_COME_LATER: ReadonlySet<unknown> = new Set(['FileNotAvailable', 'DownloadInterrupted']);

/** The date and the options; the worker is asked only for what the start did not say. */
async function plan({ loadDate, options, schedule }: SalesIncrementInput): Promise<RunPlan> {
  if (loadDate !== undefined && isLoadDate(loadDate) && isComplete(options)) return { loadDate, options };
  const request: PlanRequest = { ...(options && { options }) };
  if (loadDate !== undefined) request.loadDate = loadDate;
  else if (schedule) request.scheduled = { at: dueAt().toISOString(), ...schedule };
  return await databaseSteps.planRun.executeWithOptions({ summary: 'settles date and options' }, [request]);
}

const DUE = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

/** When a scheduled run was due: not when it started, which may be days later after an outage. */
function dueAt(): Date {
  const { typedSearchAttributes, startTime } = workflowInfo();
  return typedSearchAttributes.get(DUE) ?? startTime;
}

function isComplete(options: Partial<RunOptions> | undefined): options is RunOptions {
  return (
    options?.reportPollIntervalMs !== undefined &&
    options.reportTimeoutMs !== undefined &&
    options.filesTimeoutMs !== undefined &&
    options.optionalFiles !== undefined &&
    options.maxRejectedShare !== undefined
  );
}

async function noIncrement(delivery: DeliveryRef, startedAt: string): Promise<DayResult> {
  const summary = `no increment for ${delivery.loadDate}`;
  await outcomeSteps.recordOutcome.executeWithOptions({ summary }, [
    { delivery, outcome: 'no_increment', startedAt },
  ]);
  return { date: delivery.loadDate, outcome: 'no_increment', files: {}, warnings: [] };
}

function finish(result: DayResult, progress: Progress): DayResult {
  const { date, outcome, joined } = result;
  const what = outcome === 'loaded' ? `${date} is loaded` : `${date} has no increment`;
  progress.say(joined ? `${what}, by workflow ${joined.workflowId}.` : `${what}.`);
  return result;
}

/** Records the failure, then hands back what the run ends with. Cancelled runs are recorded too. */
async function failed(
  delivery: DeliveryRef,
  error: unknown,
  startedAt: string,
  progress: Progress,
): Promise<unknown> {
  const message = describe(error);
  progress.say(`${delivery.loadDate} failed: ${message}`);
  const errorType = isCancellation(error) ? 'Cancelled' : (failureType(error) ?? 'StepTimedOut');
  try {
    await CancellationScope.nonCancellable(() =>
      outcomeSteps.recordOutcome.executeWithOptions({ summary: `${delivery.loadDate} failed` }, [
        { delivery, outcome: 'failed', error: message, errorType, startedAt },
      ]),
    );
  } catch (recordError) {
    return finalFailure(error, `${message} (This could not be recorded: ${describe(recordError)})`);
  }
  return finalFailure(error);
}
