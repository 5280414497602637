import { activityInfo, Context } from '@temporalio/activity';
import type { RunRef } from '../domain/day.ts';

/** The run that the current activity works for. */
export function currentRun(): RunRef {
  const { workflowExecution } = activityInfo();
  if (!workflowExecution) throw new Error('This activity only serves workflows.');
  return { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId };
}

/** Aborts when the current activity is cancelled, times out, or its worker stops. */
export function cancellation(): AbortSignal {
  return Context.current().cancellationSignal;
}
