import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { RunState } from '../workflows/steps/progress.ts';
import type { Output } from './output.ts';

const POLL_EVERY_MS = 1_000;
const QUERY_LIMIT_MS = 3_000;

/** Shows on standard error what a run is doing, until `signal` aborts; and when no worker is there to do it. */
export async function follow(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  let shown = '';
  const show = (line: string) => {
    if (line !== shown && !signal.aborted) output.note(line);
    shown = line;
  };
  while (await sleep(POLL_EVERY_MS, true, { signal }).catch(() => false)) {
    try {
      const [state, failing] = await client.connection.withDeadline(Date.now() + QUERY_LIMIT_MS, () =>
        Promise.all([handle.query<RunState>('state'), failingStep(handle)]),
      );
      show(failing === undefined ? state.currentStep : `${state.currentStep} ${failing}`);
    } catch (error) {
      show(await whyNoAnswer(client, handle, taskQueue, error));
    }
  }
}

/** Why a step is being tried again, if one is. */
async function failingStep(handle: WorkflowHandle): Promise<string | undefined> {
  const { raw } = await handle.describe();
  const step = raw.pendingActivities?.find((activity) => activity.lastFailure?.message);
  if (!step) return undefined;
  return `${step.activityType?.name ?? 'A step'} is tried again: ${step.lastFailure?.message ?? ''}`;
}

/** Why a run does not answer a query: no worker, a worker that cannot run it, or no Temporal. */
export async function whyNoAnswer(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  error: unknown,
): Promise<string> {
  const what = error instanceof Error ? error.message : String(error);
  const { namespace } = client.options;
  try {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
    });
    if (pollers.length === 0)
      return `No worker polls the task queue "${taskQueue}": start one with \`npm run worker\`. Waiting for it.`;
    const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace,
      execution: { workflowId: handle.workflowId },
      maximumPageSize: 10,
    });
    const failed = history?.events?.find((event) => event.workflowTaskFailedEventAttributes);
    const failure = failed?.workflowTaskFailedEventAttributes?.failure?.message;
    if (failure) return `The worker cannot run ${handle.workflowId}: ${failure}`;
    return `The run does not answer at the moment (${what}); waiting for its result.`;
  } catch {
    return `Temporal does not answer at the moment (${what}); waiting for it.`;
  }
}
