import { Context } from '@temporalio/activity';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { z } from 'zod';
import type { Database } from '../database/database.ts';
import type { DayResult, RunRef } from '../domain/day.ts';
import { nextDeliveryNumber } from '../pipeline/load/delivery-number.ts';
import { describedRun, openRun } from '../runtime/open-run.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, claimInput, holderInput } from '../domain/inputs.ts';

const { PENDING_WORKFLOW_TASK_STATE_SCHEDULED: WORKFLOW_TASK_SCHEDULED } =
  proto.temporal.api.enums.v1.PendingWorkflowTaskState;
const { PENDING_ACTIVITY_STATE_SCHEDULED: ACTIVITY_SCHEDULED } =
  proto.temporal.api.enums.v1.PendingActivityState;

/** What is claimed: a load date, or history, of which one run at a time is loaded. */
export type ClaimRequest = z.infer<typeof claimInput>;

export type Holder = z.infer<typeof holderInput>;

/** A run has something to do, and no worker polls its task queue. */
export interface Idle {
  taskQueue: string;
  /** ISO instant since which it waits for a worker. */
  since: string;
}

export type Claim =
  /** The date is this run's. `number` orders its outcome among those of other runs. */
  | { state: 'claimed'; number: number }
  /** Another run is loading the date. */
  | { state: 'held'; holder: Holder; idle?: Idle }
  /** The run that was waited for has loaded the date meanwhile. */
  | { state: 'done'; result: DayResult };

/**
 * Claims a date for the current workflow, so that two runs do not load it side by side. (They would do no harm: staging
 * and mart are safe against that by themselves. They would only do the work twice.)
 * A claim needs no release: it counts as long as its workflow is open in Temporal.
 */
export function claimDay({ database }: ActivityDependencies) {
  return async function claimDay(request: ClaimRequest, awaited?: Holder): Promise<Claim> {
    const { claim, files } = checkedInput(claimInput, request);
    const waitedFor = checkedInput(holderInput.optional(), awaited);
    const me = currentRun();
    const { client } = Context.current();
    if (waitedFor?.isWhole && !files) {
      const result = await resultOf(client, waitedFor);
      const { workflowId, runId } = waitedFor;
      if (result) return { state: 'done', result: { ...result, joined: { workflowId, runId } } };
    }
    for (let from = me.workflowId; ;) {
      const holder = await take(database, [claim, me.workflowId, me.runId, from, files ?? null]);
      if (holder.workflowId === me.workflowId) {
        return { state: 'claimed', number: await nextDeliveryNumber(database, cancellation()) };
      }
      const open = await openRun(client, holder.workflowId);
      if (open) {
        const idle = await idleOf(client, open);
        return { state: 'held', holder, ...(idle && { idle }) };
      }
      from = holder.workflowId;
    }
  };
}

async function take(database: Database, values: unknown[]): Promise<Holder> {
  interface Row {
    workflow_id: string;
    run_id: string;
    files: string[] | null;
  }
  const [row] = await database.query<Row>('audit/claim', values, cancellation());
  // Another session has inserted the claim since this statement began: it is seen at the next try.
  if (!row) return await take(database, values);
  return { workflowId: row.workflow_id, runId: row.run_id, isWhole: row.files === null };
}

/** Undefined when nothing of the run waits for a worker, or a worker polls for it. */
async function idleOf(
  client: Client,
  { taskQueue, raw }: WorkflowExecutionDescription,
): Promise<Idle | undefined> {
  const { pendingWorkflowTask: task, pendingActivities } = raw;
  const waiting = [
    ...(task?.state === WORKFLOW_TASK_SCHEDULED ? [task.originalScheduledTime] : []),
    ...(pendingActivities ?? [])
      .filter(({ state }) => state === ACTIVITY_SCHEDULED)
      .map(({ scheduledTime }) => scheduledTime),
  ].flatMap((time) => (time?.seconds ? [time.seconds.toNumber() * 1_000] : []));
  if (waiting.length === 0) return undefined;
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
  });
  // The server forgets a poller after five minutes.
  if (pollers.length > 0) return undefined;
  return { taskQueue, since: new Date(Math.min(...waiting)).toISOString() };
}

/** The result of its newest run, which a reset may have made. A run for some files only is no answer for a whole date. */
async function resultOf(client: Client, { workflowId }: RunRef): Promise<DayResult | undefined> {
  if ((await describedRun(client, workflowId))?.status.name !== 'COMPLETED') return undefined;
  const result = (await client.workflow.getHandle(workflowId).result()) as DayResult;
  return result.only ? undefined : result;
}
