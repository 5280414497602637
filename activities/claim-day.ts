import { Context } from '@temporalio/activity';
import type { WorkflowExecutionStatusName } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Database } from '../database/database.ts';
import type { DayResult, RunOptions, RunRef } from '../domain/day.ts';
import { loadDateOfRun } from '../domain/due-days.ts';
import type { LoadDate } from '../domain/load-date.ts';
import { nextDeliveryNumber } from '../pipeline/load/delivery-number.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { z } from 'zod';
import { checkedInput, historyInput, incrementInput, type optionsInput } from './inputs.ts';
import { searchAttributesRegistered } from './search-attributes.ts';

/** What a run works with, whatever its input left open. */
export interface RunPlan {
  options: RunOptions;
  /** Whether the namespace has the custom search attributes. */
  tagged: boolean;
  /** Whether alerts are sent to a webhook. */
  hasWebhook: boolean;
}

export interface Holder extends RunRef {
  /** It loads all files of the date, so its result serves whoever waits for the whole date. */
  isWhole: boolean;
}

export type Claim =
  /** The date is this run's. `number` orders its outcome among those of other runs. */
  | { state: 'claimed'; number: number }
  /** Another run is loading the date. */
  | { state: 'held'; holder: Holder }
  /** The run that was waited for has loaded the date meanwhile. */
  | { state: 'done'; result: DayResult };

export type DayClaim = RunPlan & { loadDate: LoadDate; claim: Claim };
export type HistoryClaim = RunPlan & { claim: Claim };

/**
 * Checks the input of a run, settles its date and options, and claims the date, so that two runs do not load it side by
 * side. (They would do no harm: staging and mart are safe against that by themselves. They would only do the work twice.)
 * A claim needs no release: it counts as long as its workflow is open in Temporal.
 * @param due ISO instant at which a scheduled run was due
 * @throws InvalidInput
 */
export function claimDay(dependencies: ActivityDependencies) {
  return async function claimDay(input: unknown, due: string, waitedFor?: Holder): Promise<DayClaim> {
    const checked = checkedInput(incrementInput, input);
    const loadDate = loadDateOf(checked, due);
    const claim = await takeClaim(dependencies.database, loadDate, checked.files, waitedFor);
    return { loadDate, claim, ...(await planOf(dependencies, checked.options)) };
  };
}

/** The same for history, of which one run at a time is loaded. */
export function claimHistory(dependencies: ActivityDependencies) {
  return async function claimHistory(input: unknown, waitedFor?: Holder): Promise<HistoryClaim> {
    const { options } = checkedInput(historyInput, input);
    const claim = await takeClaim(dependencies.database, 'history', undefined, waitedFor);
    return { claim, ...(await planOf(dependencies, options)) };
  };
}

export async function planOf(
  { defaultRunOptions, alerts }: ActivityDependencies,
  given: z.output<typeof optionsInput> = {},
): Promise<RunPlan> {
  return {
    options: { ...defaultRunOptions, ...(given as Partial<RunOptions>) },
    tagged: await searchAttributesRegistered(),
    hasWebhook: alerts.webhookUrl !== undefined,
  };
}

function loadDateOf({ loadDate, schedule }: z.output<typeof incrementInput>, due: string): LoadDate {
  if (loadDate !== undefined) return loadDate;
  if (!schedule) return checkedInput(incrementInput.required({ loadDate: true }), {}).loadDate;
  return loadDateOfRun(schedule, new Date(due));
}

async function takeClaim(
  database: Database,
  claim: string,
  files: string[] | undefined,
  waitedFor: Holder | undefined,
): Promise<Claim> {
  const me = currentRun();
  if (waitedFor?.isWhole && !files && (await statusOf(waitedFor.workflowId)) === 'COMPLETED') {
    const result = await resultOf(waitedFor);
    if (result) return { state: 'done', result: { ...result, joined: waitedFor } };
  }
  for (let from = me.workflowId; ;) {
    const holder = await take(database, [claim, me.workflowId, me.runId, from, files ?? null]);
    if (holder.workflowId === me.workflowId) {
      return { state: 'claimed', number: await nextDeliveryNumber(database, cancellation()) };
    }
    const status = await statusOf(holder.workflowId);
    if (status === 'RUNNING' || status === 'PAUSED') return { state: 'held', holder };
    from = holder.workflowId;
  }
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

/** Of its newest run, which a reset may have made. A run for some files only is no answer for a whole date. */
async function resultOf({ workflowId }: RunRef): Promise<DayResult | undefined> {
  const result = (await Context.current().client.workflow.getHandle(workflowId).result()) as DayResult;
  return result.only ? undefined : result;
}
