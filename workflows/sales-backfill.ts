import {
  allHandlersFinished,
  CancellationScope,
  ChildWorkflowFailure,
  condition,
  continueAsNew,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  setWorkflowOptions,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { RunOptions } from '../domain/day.ts';
import { addDays, countDays, eachDay, isLoadDate, type LoadDate } from '../domain/load-date.ts';
import { failure } from '../domain/failures.ts';
import { LOAD_DATE, RUN_KIND } from '../domain/search-attributes.ts';
import { BackfillControl, type BackfillCounts } from './steps/backfill-control.ts';
import { databaseSteps } from './steps/activity-options.ts';
import { describe } from './steps/failures.ts';
import { planOptions } from './steps/plan.ts';
import { waitForReport, type ReportRef } from './steps/report.ts';
import { Progress } from './steps/run-state.ts';
import { salesIncrement } from './sales-increment.ts';

/** Days of one run; then it continues as new, well before the server's limit of 51,200 history events. */
const DAYS_PER_RUN = 1_000;
/** An error in the result; the whole one stands in the day's own history and in the database. */
const ERROR_CHARACTERS = 300;

export interface SalesBackfillInput {
  /** First and last day, YYYY-MM-DD, both included. */
  from: LoadDate;
  to: LoadDate;
  /** How many days are loaded side by side. */
  concurrency: number;
  /** Leave out the days that are loaded already. */
  onlyMissing?: boolean;
  options?: Partial<RunOptions>;
  tagged?: boolean;
  /** Days after which the workflow continues as new; smaller in tests. */
  daysPerRun?: number;
  /** What an earlier run of this backfill has done before it continued as new. */
  carried?: { next: LoadDate; report?: ReportRef; paused: boolean; result: BackfillResult };
}

export interface BackfillResult {
  from: LoadDate;
  to: LoadDate;
  loaded: LoadDate[];
  no_increment: LoadDate[];
  failed: { date: LoadDate; error: string }[];
}

// In a Worker Deployment it moves on to a new version while it runs, for it may take long; each of its days stays.
// Outside of one the server takes no such word.
setWorkflowOptions(
  () =>
    workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: 'AUTO_UPGRADE' } : {},
  salesBackfill,
);

/** Loads every day of a range, each as a child workflow, some side by side, with one report for all. */
export async function salesBackfill(input: SalesBackfillInput): Promise<BackfillResult> {
  validate(input);
  const { from, to, carried } = input;
  const result: BackfillResult = carried?.result ?? { from, to, loaded: [], no_increment: [], failed: [] };
  const progress = new Progress();
  const control = new BackfillControl(
    { concurrency: input.concurrency, paused: carried?.paused ?? false, days: countDays(from, to) },
    () => countsOf(result),
    progress,
  );
  const options = await planOptions(input.options);
  const first = carried?.next ?? from;
  const last = [to, addDays(first, (input.daysPerRun ?? DAYS_PER_RUN) - 1)].sort()[0] ?? to;
  const days = input.onlyMissing ? await openDays(first, last) : eachDay(first, last);
  let report: ReportRef | undefined = carried?.report;
  if (days.length > 0 && !report) {
    try {
      report = await waitForReport(options, progress);
    } catch (error) {
      if (isCancellation(error)) throw error;
      // Without a report no day can be loaded: all of them fail by it.
      const why = describe(error).slice(0, ERROR_CHARACTERS);
      result.failed.push(...eachDay(first, to).map((date) => ({ date, error: why })));
      return result;
    }
  }
  try {
    for (const date of days) {
      if (!report) break;
      await control.slot();
      control.begin(date, runDay(date, input, options, report, result));
    }
  } finally {
    // Cancelled or not: the days that have begun come to their end first.
    await CancellationScope.nonCancellable(() => control.drained());
  }
  control.throwIfCancelled();
  sort(result);
  if (last < to) {
    await condition(allHandlersFinished);
    const next = addDays(last, 1);
    const { concurrency, paused } = control;
    const shared = report && { report: { reportId: report.reportId, taskId: report.taskId } };
    await continueAsNew<typeof salesBackfill>({
      ...input,
      concurrency,
      carried: { next, ...shared, paused, result },
    });
  }
  progress.say(`Done: ${describeCounts(countsOf(result))}.`);
  return result;
}

/** One day; its failure is noted and stops no other day. */
async function runDay(
  date: LoadDate,
  input: SalesBackfillInput,
  options: RunOptions,
  { reportId, taskId }: ReportRef,
  result: BackfillResult,
): Promise<void> {
  try {
    const { outcome } = await startChild(
      date,
      { loadDate: date, options, report: { reportId, taskId } },
      input.tagged,
    );
    result[outcome].push(date);
  } catch (error) {
    if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
    const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
    result.failed.push({ date, error: describe(cause).slice(0, ERROR_CHARACTERS) });
  }
}

async function startChild(date: LoadDate, input: Parameters<typeof salesIncrement>[0], tagged = false) {
  for (;;) {
    try {
      return await executeChild(salesIncrement, {
        workflowId: `${workflowInfo().workflowId}-day-${date}`,
        args: [{ ...input, tagged }],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `Sales of ${date}, by a backfill`,
        ...(tagged && {
          typedSearchAttributes: [
            { key: RUN_KIND, value: 'backfill-day' },
            { key: LOAD_DATE, value: date },
          ],
        }),
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      // A child of an earlier run of this backfill (one that was terminated or reset) is still at it.
      await sleep('5s', { summary: `until an earlier run of ${date} has ended` });
    }
  }
}

async function openDays(from: LoadDate, to: LoadDate): Promise<LoadDate[]> {
  const summary = `which days from ${from} to ${to} are not loaded?`;
  return await databaseSteps.listOpenDays.executeWithOptions({ summary }, [from, to]);
}

function validate({ from, to, concurrency }: SalesBackfillInput): void {
  if (!isLoadDate(from) || !isLoadDate(to) || from > to) {
    throw failure(
      'InvalidInput',
      `The range is "${from}" to "${to}"; expected two days like 2024-02-25 in order.`,
    );
  }
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw failure('InvalidInput', `concurrency is ${concurrency}; expected a whole number from 1.`);
  }
}

function countsOf({ loaded, no_increment, failed }: BackfillResult): BackfillCounts {
  return { loaded: loaded.length, no_increment: no_increment.length, failed: failed.length };
}

function describeCounts({ loaded, no_increment, failed }: BackfillCounts): string {
  return `${loaded} loaded, ${no_increment} without an increment, ${failed} failed`;
}

function sort(result: BackfillResult): void {
  result.loaded.sort();
  result.no_increment.sort();
  result.failed.sort((a, b) => (a.date < b.date ? -1 : 1));
}
