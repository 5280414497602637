import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

/**
 * Asks the API for a report, once per run, and returns the id of the task that makes it. The answer is kept in
 * the database before the activity completes: a second try after a crash finds it there and does not ask again.
 */
export function generateReport({ database, reportApi }: ActivityDependencies) {
  return async function generateReport(): Promise<string> {
    const { workflowId, runId } = currentRun();
    const signal = cancellation();
    const [known] = await database.query<{ task_id: string }>(
      'audit/report_request',
      [workflowId, runId],
      signal,
    );
    if (known) return known.task_id;
    const taskId = await reportApi.generateReport(signal);
    const values = [workflowId, runId, taskId];
    // Not to be cancelled: the report has been asked for.
    await database.query('audit/remember_report_request', values);
    return taskId;
  };
}
