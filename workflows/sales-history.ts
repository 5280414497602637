import { continueAsNew } from '@temporalio/workflow';
import type { Report } from '../activities/get-report.ts';
import type { DayResult } from '../domain/day.ts';
import { failure } from '../domain/failures.ts';
import { fileName } from '../domain/feeds.ts';
import type { SalesHistoryInput } from './inputs.ts';
import { steps } from './steps/activities.ts';
import { waitForClaim } from './steps/claim.ts';
import { describeError, failureType } from './steps/errors.ts';
import { feedsNotLanded, loadDelivery } from './steps/load.ts';
import { withOutcome } from './steps/outcome.ts';
import { waitForReport } from './steps/report.ts';
import { Run } from './steps/run.ts';

/** Loads the full report as history, under its start_day: every increment is newer than it. */
export async function salesHistory(input: SalesHistoryInput | null = {}): Promise<DayResult> {
  const run = new Run('history', ({ options, checkpoint }) =>
    continueAsNew<typeof salesHistory>({ ...input, options, checkpoint }),
  );
  return await withOutcome(run, async () => {
    const summary = 'check the input, resolve the options';
    const plan = await steps.planHistory.executeWithOptions({ summary }, [input]);
    run.plan(plan, input?.checkpoint);
    const joined = await waitForClaim(run, 'history');
    if (joined) return joined;
    const report = (run.checkpoint.report as Report | undefined) ?? (await waitForReport(run));
    run.loadDate = startDayOf(report);
    const isAccepted = (feed: string) =>
      run.options.optionalFiles.includes(fileName({ feed, source: 'increment' }));
    const missing = report.missing.filter((feed) => !isAccepted(feed));
    if (missing.length > 0) {
      throw failure('FilesMissing', `The full report lacks ${missing.join(', ')}; nothing was loaded.`);
    }
    const { present: feeds, missing: acceptedMissing } = report;
    return await untilLanded(run, () =>
      loadDelivery(run, {
        report,
        feeds,
        acceptedMissing,
        goesWithout: (feed, reason) => isAccepted(feed) && failureType(reason) === 'FileNotAvailable',
      }),
    );
  });
}

/** Files that cannot be had now are landed again, until FILES_TIMEOUT and once after it. */
async function untilLanded(run: Run, load: () => Promise<DayResult>): Promise<DayResult> {
  const { filesTimeoutMs, reportPollIntervalMs } = run.options;
  const deadline = (run.checkpoint.filesDeadline ??= Date.now() + filesTimeoutMs);
  for (;;) {
    const begunAt = Date.now();
    try {
      return await load();
    } catch (error) {
      if (!feedsNotLanded(error) || begunAt >= deadline) throw error;
      run.progress.update(`Landing the files of ${run.title} again. ${describeError(error)}`);
      const left = Math.max(1, deadline - Date.now());
      await run.wait(Math.min(reportPollIntervalMs, left), 'until the files are landed again');
    }
  }
}

function startDayOf({ startDay }: Report): string {
  if (startDay !== undefined) return startDay;
  throw failure('ReportApiAnswerInvalid', 'The report has no usable start_day to stage history under.');
}
