import type { Report } from '../../activities/get-report.ts';
import type { ReportRef, RunOptions } from '../../domain/day.ts';
import { formatDuration } from '../../domain/durations.ts';
import { failure } from '../../domain/failures.ts';
import { reportSteps } from './activities.ts';
import { describeError, failureType, isTimeout } from './errors.ts';

/** What the wait for a report needs of a run, and leaves in it. */
export interface ReportWait {
  options: RunOptions;
  checkpoint: { taskId?: string; reportDeadline?: number; report?: Report | ReportRef };
  progress: { update(currentStep: string): void };
  wait(milliseconds: number, summary: string): Promise<void>;
}

/**
 * Asks for a report, once, and waits for it on a durable timer between two polls. All of it together takes
 * REPORT_TIMEOUT at most.
 */
export async function waitForReport(run: ReportWait): Promise<Report> {
  const { checkpoint, options } = run;
  const { reportTimeoutMs, reportPollIntervalMs } = options;
  const deadline = (checkpoint.reportDeadline ??= Date.now() + reportTimeoutMs);
  try {
    if (checkpoint.taskId === undefined) {
      run.progress.update('Asking the report API for a report.');
      const { generateReport } = reportSteps(deadline);
      checkpoint.taskId = await generateReport.executeWithOptions({ summary: 'request a report' }, []);
    }
    for (let poll = 1; ; poll += 1) {
      const { getReport } = reportSteps(deadline);
      const summary = `poll ${poll}: is the report ready?`;
      const report = await getReport.executeWithOptions({ summary }, [checkpoint.taskId]);
      if (report) {
        checkpoint.report = report;
        return report;
      }
      const left = deadline - Date.now();
      if (left <= 0) throw timedOut(reportTimeoutMs);
      run.progress.update(`Waiting for the report, which was not ready at poll ${poll}.`);
      await run.wait(Math.min(reportPollIntervalMs, left), 'until the next poll');
    }
  } catch (error) {
    // What kept the API from answering says more than that the time is over.
    throw isTimeout(error) && failureType(error) === undefined
      ? timedOut(reportTimeoutMs, describeError(error))
      : error;
  }
}

function timedOut(limit: number, reason = '') {
  return failure(
    'ReportTimedOut',
    `The report was not ready within ${formatDuration(limit)} (REPORT_TIMEOUT). ${reason}`.trim(),
  );
}
