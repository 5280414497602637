import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowHandle } from '@temporalio/client';
import type { Workflow, WorkflowResultType } from '@temporalio/common';
import type { RunKind } from '../domain/search-attributes.ts';
import { hasSearchAttributes, searchAttributes } from '../runtime/search-attributes.ts';

export interface StartRequest<W extends Workflow> {
  workflowType: string;
  workflowId: string;
  taskQueue: string;
  kind: RunKind;
  loadDate?: string;
  summary: string;
  input: Parameters<W>[0];
}

export interface Started<W extends Workflow> {
  handle: WorkflowHandle<W>;
  /** A run of the same id was going on already. */
  joined: boolean;
}

export type ResultOf<W extends Workflow> = WorkflowResultType<W>;

/** Starts a workflow, or joins the one of the same id that is running. */
export async function startOrJoin<W extends Workflow>(
  client: Client,
  request: StartRequest<W>,
): Promise<Started<W>> {
  try {
    return { handle: await start(client, request, await hasSearchAttributes(client)), joined: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { handle: client.workflow.getHandle<W>(request.workflowId), joined: true };
  }
}

async function start<W extends Workflow>(
  client: Client,
  request: StartRequest<W>,
  tagged: boolean,
): Promise<WorkflowHandle<W>> {
  const { workflowType, workflowId, taskQueue, kind, loadDate, summary, input } = request;
  try {
    return (await client.workflow.start(workflowType, {
      workflowId,
      taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: summary,
      ...searchAttributes(tagged, kind, loadDate),
    })) as WorkflowHandle<W>;
  } catch (error) {
    // Registered a moment ago: not every part of the server knows them yet.
    if (tagged && error instanceof Error && /search attribute/i.test(messages(error))) {
      return await start(client, request, false);
    }
    throw error;
  }
}

function messages(error: Error): string {
  return error.cause instanceof Error ? `${error.message} ${messages(error.cause)}` : error.message;
}
