import { continueAsNew } from '@temporalio/workflow';
import type { DayResult } from '../domain/day.ts';
import type { SalesIncrementInput } from './inputs.ts';
import { steps } from './steps/activities.ts';
import { alertWhenLate } from './steps/alerts.ts';
import { waitForClaim } from './steps/claim.ts';
import { dueAt } from './steps/due-at.ts';
import { describeError } from './steps/errors.ts';
import { FileWait } from './steps/files.ts';
import { feedsNotLanded, loadDelivery } from './steps/load.ts';
import { handleMessages } from './steps/messages.ts';
import { noIncrement, withOpenDays, withOutcome } from './steps/outcome.ts';
import { waitForReport } from './steps/report.ts';
import { Run } from './steps/run.ts';

/** Loads one day: claim, report, wait, increment, files, staging, mart. */
export async function salesIncrement(input: SalesIncrementInput | null = {}): Promise<DayResult> {
  const run = new Run('increment', ({ loadDate, options, checkpoint }) =>
    continueAsNew<typeof salesIncrement>({ ...input, loadDate, options, checkpoint }),
  );
  handleMessages(run);
  return await withOutcome(run, async () => {
    const summary = 'check the input, resolve date and options';
    const plan = await steps.planDay.executeWithOptions({ summary }, [input, dueAt()]);
    run.plan(plan, input?.checkpoint);
    run.loadDate = plan.loadDate;
    const result = await alertWhenLate(run, () => loadDay(run, input ?? {}));
    return input?.schedule ? await withOpenDays(run, result) : result;
  });
}

async function loadDay(run: Run, { report: given, files }: SalesIncrementInput): Promise<DayResult> {
  const joined = await waitForClaim(run, run.loadDate, files);
  if (joined) return joined;
  const report = given ?? run.checkpoint.report ?? (await waitForReport(run));
  const wait = new FileWait(run, files);
  for (;;) {
    const feeds = await wait.untilPresent(report.reportId);
    if (!feeds) return await noIncrement(run);
    try {
      return await loadDelivery(run, {
        report,
        feeds: feeds.present,
        acceptedMissing: files ? null : feeds.acceptedMissing,
        goesWithout: (feed, reason) => wait.goesWithout(feed, reason),
      });
    } catch (error) {
      const missing = feedsNotLanded(error);
      if (!missing) throw error;
      await wait.againAfter(missing, describeError(error));
    }
  }
}
