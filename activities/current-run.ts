import { activityInfo, Context } from '@temporalio/activity';
import type { RunRef } from './dependencies.ts';

/** The workflow run that asked for the current activity. */
export function currentRun(): RunRef & { attempt: number } {
  const { workflowExecution, attempt } = activityInfo();
  if (!workflowExecution) throw new Error('This activity only serves workflows.');
  return { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId, attempt };
}

/** Aborts when the current activity is cancelled, times out, or its worker stops. */
export function cancellation(): AbortSignal {
  return Context.current().cancellationSignal;
}
