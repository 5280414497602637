import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowHandle } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import type { LoadDate } from '../domain/load-date.ts';
import { BACKFILL_PRIORITY } from '../domain/priority.ts';
import type { RunKind } from '../domain/search-attributes.ts';
import { hasSearchAttributes, searchAttributes } from '../runtime/search-attributes.ts';
import type { salesIncrement } from '../workflows/index.ts';
import { reasonOf } from './failure-text.ts';
import { decoded } from './payloads.ts';
import type { RunSettings } from './run-settings.ts';
import { workflowIds } from '../domain/workflow-ids.ts';

export interface StartRequest<W extends Workflow> {
  workflowType: string;
  workflowId: string;
  taskQueue: string;
  kind: RunKind;
  loadDate?: LoadDate;
  summary: string;
  input: Parameters<W>[0];
  /**
   * What a running workflow of that type and id lacks of what is asked for, as a clause that goes on from "that run";
   * undefined when it does as much.
   */
  lackOf: (running: Partial<NonNullable<Parameters<W>[0]>>) => string | undefined;
}

export interface Started<W extends Workflow> {
  handle: WorkflowHandle<W>;
  /** A run with this workflow id was already in progress. */
  joined: boolean;
  /** It does less than was asked for: what it lacks, as a clause. */
  lacks?: string | undefined;
}

/** A run of a date; `files` limits it to those files. */
export function dayRequest(
  { taskQueue, options }: RunSettings,
  loadDate: LoadDate,
  files?: string[],
): StartRequest<typeof salesIncrement> {
  return {
    workflowType: 'salesIncrement',
    workflowId: workflowIds(taskQueue).day(loadDate, files),
    taskQueue,
    kind: 'run',
    loadDate,
    summary: files ? `${files.join(', ')} of ${loadDate}` : `Sales of ${loadDate}`,
    input: { loadDate, options, ...(files && { files }) },
    lackOf: (running) => {
      if (running.loadDate !== loadDate) return `loads ${running.loadDate ?? 'another date'}`;
      if (!running.files || files?.every((file) => running.files?.includes(file))) return undefined;
      return `loads ${running.files.join(', ')} only`;
    },
  };
}

/** Starts a workflow, or joins the running one with the same id. */
export async function startOrJoin<W extends Workflow>(
  client: Client,
  request: StartRequest<W>,
): Promise<Started<W>> {
  const { workflowType, workflowId, taskQueue, kind, loadDate, summary, input } = request;
  const start = (tagged: boolean) =>
    client.workflow.start(workflowType, {
      workflowId,
      taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: summary,
      ...(kind !== 'run' && { priority: BACKFILL_PRIORITY }),
      ...searchAttributes(tagged, kind, loadDate),
    });
  const handle = client.workflow.getHandle<W>(workflowId);
  try {
    await start(await hasSearchAttributes(client)).catch(async (error: unknown) => {
      // Just registered: not every server process has refreshed its attributes yet.
      if (!/search attribute/i.test(reasonOf(error))) throw error;
      await start(false);
    });
    return { handle, joined: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { handle, joined: true, lacks: await lackOfRunning(client, request) };
  }
}

/** By the input that it was started with, from the UI perhaps. */
async function lackOfRunning<W extends Workflow>(
  client: Client,
  { workflowId, workflowType, lackOf }: StartRequest<W>,
): Promise<string | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId },
    maximumPageSize: 1,
  });
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  if (started?.workflowType?.name !== workflowType)
    return `is a ${started?.workflowType?.name ?? 'workflow'} and no ${workflowType}`;
  const [input] = await decoded(client, started.input?.payloads ?? []);
  return lackOf(input ?? {});
}
