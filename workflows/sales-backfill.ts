import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  ChildWorkflowFailure,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  ContinueAsNew,
  ParentClosePolicy,
  setWorkflowOptions,
  startChild,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { BackfillDay, BackfillPlan } from '../activities/backfill.ts';
import type { DayResult, ReportRef } from '../domain/day.ts';
import { addDays, type LoadDate } from '../domain/load-date.ts';
import { BACKFILL_PRIORITY } from '../domain/priority.ts';
import { LOAD_DATE, RUN_KIND } from '../domain/search-attributes.ts';
import { childIds } from '../domain/workflow-ids.ts';
import type { BackfillCheckpoint, BackfillCounts, SalesBackfillInput } from './inputs.ts';
import { steps } from './steps/activities.ts';
import { BackfillControl } from './steps/backfill-control.ts';
import { BackfillRecord, shortened } from './steps/backfill-record.ts';
import { describeError, finalFailure } from './steps/errors.ts';
import { Progress } from './steps/progress.ts';
import { waitForReport } from './steps/report.ts';
import { salesIncrement } from './sales-increment.ts';

/** Days of one run; then it continues as new, before its history gets long. */
const DAYS_PER_RUN = 1_000;
/** Events after which no further day begins before it continues as new; no history passes 10,000 (contract, ruling 17). */
const MAX_EVENTS = 8_000;

/** Counts only: what became of each day stands in `staging.backfill_day`, however many they are. */
export interface BackfillResult extends BackfillCounts {
  from: LoadDate;
  to: LoadDate;
}

// In a Worker Deployment it moves on to a new version while it runs, for it may take long; each of its days stays.
// Outside of one the server refuses a versioning behavior.
setWorkflowOptions(
  () =>
    workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: 'AUTO_UPGRADE' } : {},
  salesBackfill,
);

/** Loads every day of a range, each as a child workflow, some side by side, with one report for all. */
export async function salesBackfill(input: SalesBackfillInput): Promise<BackfillResult> {
  const progress = new Progress();
  const control = new BackfillControl(input, progress);
  const summary = 'check the input, list the days';
  try {
    const plan = await steps.planBackfill.executeWithOptions({ summary }, [input, DAYS_PER_RUN]);
    control.plan(plan.daysLeft);
    const { counts } = control;
    const checkpoint = { next: input.from, paused: false, counts, ...input.checkpoint };
    await load({ input, plan, progress, control, checkpoint, record: new BackfillRecord() });
  } catch (error) {
    throw error instanceof ActivityFailure ? finalFailure(error) : error;
  }
  const { loaded, no_increment, failed } = control.counts;
  progress.update(`Done: ${loaded} loaded, ${no_increment} without an increment, ${failed} failed.`);
  return { from: input.from, to: input.to, ...control.counts };
}

interface Backfill {
  input: SalesBackfillInput;
  plan: BackfillPlan;
  progress: Progress;
  control: BackfillControl;
  checkpoint: BackfillCheckpoint;
  record: BackfillRecord;
}

async function load(backfill: Backfill): Promise<void> {
  const { plan, control, checkpoint, record } = backfill;
  const { days, daysLeft } = plan;
  const last = days.at(-1);
  if (last === undefined) return;
  const report = await reportFor(backfill);
  if (!report) return;
  try {
    for (const date of days) {
      if (workflowInfo().historyLength > MAX_EVENTS) break;
      await control.slot();
      control.begin(date, runDay(backfill, date, report));
      checkpoint.next = addDays(date, 1);
    }
  } finally {
    // Cancelled or not: the days that have begun come to their end first, and are recorded.
    await CancellationScope.nonCancellable(async () => {
      await control.drained();
      await record.flush();
    });
  }
  control.throwIfCancelled();
  if (days.length < daysLeft || checkpoint.next <= last) await goOn(backfill);
}

/** Undefined: there is none, so none of the days can be loaded; that is recorded. */
async function reportFor(backfill: Backfill): Promise<ReportRef | undefined> {
  const { input, plan, progress, control, checkpoint } = backfill;
  if (checkpoint.report) return checkpoint.report;
  const wait = async (milliseconds: number, summary: string) => {
    await progress.wait(milliseconds, summary);
    if (workflowInfo().historyLength > MAX_EVENTS) await goOn(backfill);
  };
  try {
    const { reportId, taskId } = await waitForReport({ options: plan.options, checkpoint, progress, wait });
    return (checkpoint.report = { reportId, taskId });
  } catch (error) {
    if (isCancellation(error) || error instanceof ContinueAsNew) throw error;
    const { next } = checkpoint;
    const summary = `all days from ${next}`;
    const args = [input, next, shortened(describeError(error))] as const;
    control.state.failed += await steps.failBackfillDays.executeWithOptions({ summary }, [...args]);
    return undefined;
  }
}

/** One day; its failure is recorded and stops no other day. */
async function runDay(backfill: Backfill, date: LoadDate, report: ReportRef): Promise<void> {
  let day: BackfillDay;
  try {
    const { outcome, warnings } = await executeDay(backfill, date, report);
    day =
      outcome === 'partial'
        ? { date, outcome: 'failed', error: warnings.join('; ') }
        : { date, outcome, error: null };
  } catch (error) {
    if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
    const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
    day = { date, outcome: 'failed', error: describeError(cause) };
  }
  backfill.control.state[day.outcome] += 1;
  await backfill.record.add(day);
}

async function executeDay({ plan }: Backfill, date: LoadDate, report: ReportRef): Promise<DayResult> {
  const ids = childIds(workflowInfo().workflowId);
  try {
    return await executeChild(plan, ids.day(date), date, report);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    // A child of an earlier run of this backfill, which was terminated or reset, is still open: the new one waits for
    // its claim like any other run of the date.
    return await executeChild(plan, ids.day(date, uuid4().slice(0, 8)), date, report);
  }
}

async function executeChild(
  { options, tagged }: BackfillPlan,
  workflowId: string,
  date: LoadDate,
  report: ReportRef,
): Promise<DayResult> {
  const { cancelRequested } = CancellationScope.current();
  return await CancellationScope.nonCancellable(async () => {
    const day = await startChild(salesIncrement, {
      workflowId,
      args: [{ loadDate: date, options, report }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      priority: BACKFILL_PRIORITY,
      staticSummary: `Sales of ${date}, by a backfill`,
      ...(tagged && {
        typedSearchAttributes: [
          { key: RUN_KIND, value: 'backfill-day' },
          { key: LOAD_DATE, value: date },
        ],
      }),
    });
    // By its id alone: the SDK would cancel the run that was started, which may have continued as new since.
    cancelRequested.catch(() => getExternalWorkflowHandle(workflowId).cancel()).catch(() => undefined); // it has just ended, as its result says
    return await day.result();
  });
}

async function goOn({ input, plan, control, checkpoint }: Backfill): Promise<never> {
  await condition(allHandlersFinished);
  const { concurrency, paused } = control.state;
  return await continueAsNew<typeof salesBackfill>({
    ...input,
    options: plan.options,
    concurrency,
    checkpoint: { ...checkpoint, paused, counts: control.counts },
  });
}
