import { ApplicationFailure } from '@temporalio/workflow';
import type { Report } from '../../activities/get-report.ts';
import type { RunOptions } from '../../domain/day.ts';
import { formatDuration } from '../../domain/durations.ts';
import { failure } from '../../domain/failures.ts';
import { reportSteps } from './activity-options.ts';
import type { Progress } from './run-state.ts';

/** About 11 history events a poll; the server's limit is 51,200 events a run. */
const MOST_POLLS = 3_000;

/** A finished report, by which the API gives the increments of all dates. */
export interface ReportRef {
  reportId: string;
  /** The task that made it. */
  taskId: string;
}

export type FinishedReport = Report & ReportRef;

/** Asks for a report, once, and waits for it on a durable timer between two looks. */
export async function waitForReport(options: RunOptions, progress: Progress): Promise<FinishedReport> {
  const { generateReport, getReport } = reportSteps(options);
  progress.say('Asking the report API for a report.');
  const taskId = await generateReport.executeWithOptions({ summary: 'asks for a report' }, []);
  const { reportTimeoutMs } = options;
  const interval = Math.max(options.reportPollIntervalMs, reportTimeoutMs / MOST_POLLS);
  const deadline = Date.now() + reportTimeoutMs;
  for (let poll = 1; ; poll += 1) {
    const report = await getReport.executeWithOptions({ summary: `look ${poll}: is it made?` }, [taskId]);
    if (report) return { ...report, taskId };
    const left = deadline - Date.now();
    if (left <= 0) throw reportTimedOut(reportTimeoutMs);
    progress.say(`Waiting for the report: it was still being made at look ${poll}.`);
    await progress.wait(Math.min(interval, left), 'until the next look at the report');
  }
}

function reportTimedOut(limit: number): ApplicationFailure {
  return failure(
    'ReportTimedOut',
    `The report was not made within ${formatDuration(limit)} (REPORT_TIMEOUT).`,
  );
}
