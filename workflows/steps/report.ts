import type { Report } from '../../activities/get-report.ts';
import type { RunOptions } from '../../domain/run-options.ts';
import { formatDuration } from '../../domain/durations.ts';
import { failure } from '../../domain/failures.ts';
import type { Checkpoint } from '../inputs.ts';
import { describeError, failureType, isTimeout } from './errors.ts';
import { Limit } from './limit.ts';

/** What the wait for a report needs of a run, and leaves in it. */
export interface ReportWait {
  options: RunOptions;
  checkpoint: Pick<Checkpoint, 'taskId' | 'reportDeadline' | 'report'>;
  progress: { update(currentStep: string): void };
  wait(milliseconds: number, summary: string): Promise<void>;
}

/**
 * Asks for a report, once, and waits for it on a durable timer between two polls. All of it together takes
 * REPORT_TIMEOUT at most, and a last poll after it.
 */
export async function waitForReport(run: ReportWait): Promise<Report> {
  const { checkpoint, options } = run;
  const { reportTimeoutMs, reportPollIntervalMs } = options;
  const limit = new Limit((checkpoint.reportDeadline ??= Date.now() + reportTimeoutMs));
  try {
    if (checkpoint.taskId === undefined) {
      run.progress.update('Asking the report API for a report.');
      const summary = 'request a report';
      const asked = await limit.ask(({ generateReport }) =>
        generateReport.executeWithOptions({ summary }, []),
      );
      checkpoint.taskId = asked.answer;
    }
    const { taskId } = checkpoint;
    for (let poll = 1; ; poll += 1) {
      const summary = `poll ${poll}: is the report ready?`;
      const { answer: report, isLast } = await limit.ask(({ getReport }) =>
        getReport.executeWithOptions({ summary }, [taskId]),
      );
      if (report) {
        checkpoint.report = report;
        return report;
      }
      if (isLast) throw timedOut(reportTimeoutMs);
      run.progress.update(`Waiting for the report, which was not ready at poll ${poll}.`);
      const wait = Math.min(reportPollIntervalMs, limit.left);
      if (wait > 0) await run.wait(wait, 'until the next poll');
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
