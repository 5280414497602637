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
import type { ReportRef } from '../domain/day.ts';
import { addDays, type LoadDate } from '../domain/load-date.ts';
import { BACKFILL_PRIORITY } from '../domain/priority.ts';
import { LOAD_DATE, RUN_KIND } from '../domain/search-attributes.ts';
import { childIds } from '../domain/workflow-ids.ts';
import type { BackfillCheckpoint, BackfillCounts, SalesBackfillInput } from './inputs.ts';
import { steps } from './steps/activities.ts';
import { BackfillControl } from './steps/backfill-control.ts';
import { BackfillRecord } from './steps/backfill-record.ts';
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
    return await new Backfill(input, plan, progress, control).run();
  } catch (error) {
    throw error instanceof ActivityFailure ? finalFailure(error) : error;
  }
}

class Backfill {
  readonly #input: SalesBackfillInput;
  readonly #plan: BackfillPlan;
  readonly #progress: Progress;
  readonly #record: BackfillRecord;
  readonly #control: BackfillControl;
  readonly #checkpoint: BackfillCheckpoint;

  constructor(input: SalesBackfillInput, plan: BackfillPlan, progress: Progress, control: BackfillControl) {
    const { from, checkpoint } = input;
    this.#input = input;
    this.#plan = plan;
    this.#progress = progress;
    this.#checkpoint = {
      next: from,
      paused: false,
      counts: { loaded: 0, no_increment: 0, failed: 0 },
      ...checkpoint,
    };
    this.#record = new BackfillRecord(this.#checkpoint.counts);
    this.#control = control;
    control.plan(plan.daysLeft, this.#record.counts);
  }

  async run(): Promise<BackfillResult> {
    const { days, daysLeft } = this.#plan;
    const report = days.length > 0 ? await this.#report() : undefined;
    if (!report && days.length > 0) return this.#result();
    try {
      for (const date of days) {
        if (!report || workflowInfo().historyLength > MAX_EVENTS) break;
        await this.#control.slot();
        this.#control.begin(date, this.#runDay(date, report));
        this.#checkpoint.next = addDays(date, 1);
      }
    } finally {
      // Cancelled or not: the days that have begun come to their end first, and are recorded.
      await CancellationScope.nonCancellable(async () => {
        await this.#control.drained();
        await this.#record.flush();
      });
    }
    this.#control.throwIfCancelled();
    const last = days.at(-1);
    if (days.length < daysLeft || (last !== undefined && this.#checkpoint.next <= last))
      await this.#continueAsNew();
    return this.#result();
  }

  /** Undefined: there is none, so none of the days can be loaded; that is recorded. */
  async #report(): Promise<ReportRef | undefined> {
    const { options } = this.#plan;
    const checkpoint = this.#checkpoint;
    if (checkpoint.report) return checkpoint.report;
    const wait = async (milliseconds: number, summary: string) => {
      await this.#progress.wait(milliseconds, summary);
      if (workflowInfo().historyLength > MAX_EVENTS) await this.#continueAsNew();
    };
    try {
      const { reportId, taskId } = await waitForReport({
        options,
        checkpoint,
        progress: this.#progress,
        wait,
      });
      checkpoint.report = { reportId, taskId };
      return checkpoint.report;
    } catch (error) {
      if (isCancellation(error) || error instanceof ContinueAsNew) throw error;
      await this.#record.failAll(this.#input, checkpoint.next, describeError(error));
      return undefined;
    }
  }

  /** One day; its failure is recorded and stops no other day. */
  async #runDay(date: LoadDate, report: ReportRef): Promise<void> {
    let day: BackfillDay;
    try {
      const { outcome, warnings } = await this.#executeDay(date, report);
      day =
        outcome === 'partial'
          ? { date, outcome: 'failed', error: warnings.join('; ') }
          : { date, outcome, error: null };
    } catch (error) {
      if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
      const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
      day = { date, outcome: 'failed', error: describeError(cause) };
    }
    await this.#record.add(day);
  }

  async #executeDay(date: LoadDate, report: ReportRef) {
    const ids = childIds(workflowInfo().workflowId);
    try {
      return await this.#child(ids.day(date), date, report);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      // A child of an earlier run of this backfill, which was terminated or reset, is still open: the new one waits for
      // its claim like any other run of the date.
      return await this.#child(ids.day(date, uuid4().slice(0, 8)), date, report);
    }
  }

  async #child(workflowId: string, date: LoadDate, report: ReportRef) {
    const { options, tagged } = this.#plan;
    const { cancelRequested } = CancellationScope.current();
    const start = () =>
      startChild(salesIncrement, {
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
    return await CancellationScope.nonCancellable(async () => {
      const day = await start();
      // By its id alone: the SDK would cancel the run that was started, which may have continued as new since.
      cancelRequested.catch(() => getExternalWorkflowHandle(workflowId).cancel()).catch(() => undefined); // it has just ended, as its result says
      return await day.result();
    });
  }

  async #continueAsNew(): Promise<never> {
    await condition(allHandlersFinished);
    const { concurrency, paused } = this.#control;
    return await continueAsNew<typeof salesBackfill>({
      ...this.#input,
      options: this.#plan.options,
      concurrency,
      checkpoint: { ...this.#checkpoint, paused, counts: this.#record.counts },
    });
  }

  #result(): BackfillResult {
    const { from, to } = this.#input;
    const { loaded, no_increment, failed } = this.#record.counts;
    this.#progress.update(`Done: ${loaded} loaded, ${no_increment} without an increment, ${failed} failed.`);
    return { from, to, ...this.#record.counts };
  }
}
