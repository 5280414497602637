import { Context } from '@temporalio/activity';
import type { WorkflowExecutionStatusName } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { DayResult, DeliveryRef } from '../domain/day.ts';
import { cancellation, currentRun } from './current-run.ts';
import { dayResultOf } from './day-result-of.ts';
import type { ActivityDependencies, RunRef } from './dependencies.ts';

export type Claim =
  | { state: 'claimed' }
  /** Another run is loading the date. */
  | { state: 'held'; holder: RunRef }
  /** The run that was waited for has loaded the date meanwhile. */
  | { state: 'done'; result: DayResult };

/**
 * Claims a date for the current workflow, so that two runs do not load it side by side. (They would do no harm:
 * staging and mart are safe against that by themselves. They would only do the work twice.)
 * A claim needs no release: it counts as long as its workflow is open in Temporal.
 */
export function claimDay({ database }: ActivityDependencies) {
  return async function claimDay(delivery: DeliveryRef, waitedFor?: RunRef): Promise<Claim> {
    const me = currentRun();
    const claim = delivery.kind === 'report' ? 'history' : delivery.loadDate;
    const take = async (from: string): Promise<RunRef | undefined> => {
      const values = [claim, me.workflowId, me.runId, from];
      const [row] = await database.query<{ workflow_id: string; run_id: string }>(
        'audit/claim',
        values,
        cancellation(),
      );
      // Another session has inserted the claim since this statement began: it is seen at the next look.
      if (!row) return await take(from);
      return row.workflow_id === me.workflowId
        ? undefined
        : { workflowId: row.workflow_id, runId: row.run_id };
    };
    // Only when it has ended well: until then, the outcome that stands under its id is that of an earlier run.
    if (waitedFor && (await statusOf(waitedFor.workflowId)) === 'COMPLETED') {
      const result = await dayResultOf(database, delivery, waitedFor);
      if (result) return { state: 'done', result: { ...result, joined: waitedFor } };
    }
    const holder = await take(me.workflowId);
    if (!holder) return { state: 'claimed' };
    const status = await statusOf(holder.workflowId);
    if (status === 'RUNNING' || status === 'PAUSED') return { state: 'held', holder };
    const successor = await take(holder.workflowId);
    return successor ? { state: 'held', holder: successor } : { state: 'claimed' };
  };
}

/** By workflow id alone: after a reset the workflow is open under another run id. */
async function statusOf(workflowId: string): Promise<WorkflowExecutionStatusName | undefined> {
  try {
    return (await Context.current().client.workflow.getHandle(workflowId).describe()).status.name;
  } catch (error) {
    // Past the namespace's retention, or in another namespace: nobody works on it.
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
