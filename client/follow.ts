import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { RunState } from '../workflows/steps/progress.ts';
import type { Output } from './output.ts';

const LOOK_EVERY_MS = 1_000;
const QUERY_LIMIT_MS = 3_000;

/** Tells on standard error what a run is doing, until `signal` aborts; and when no worker is there to do it. */
export async function follow(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  let said = '';
  const say = (line: string) => {
    if (line !== said) output.note(line);
    said = line;
  };
  for (;;) {
    const asleep = await sleep(LOOK_EVERY_MS, true, { signal }).catch(() => false);
    if (!asleep) return;
    try {
      const [state, trouble] = await client.connection.withDeadline(Date.now() + QUERY_LIMIT_MS, () =>
        Promise.all([handle.query<RunState>('state'), troubleOf(handle)]),
      );
      if (!signal.aborted) say(trouble === undefined ? state.currentStep : `${state.currentStep} ${trouble}`);
    } catch (error) {
      if (signal.aborted) return;
      say(await whyNoAnswer(client, taskQueue, error));
    }
  }
}

/** Why a step is being tried again, if one is. */
async function troubleOf(handle: WorkflowHandle): Promise<string | undefined> {
  const { raw } = await handle.describe();
  const step = raw.pendingActivities?.find((activity) => activity.lastFailure?.message);
  if (!step) return undefined;
  return `${step.activityType?.name ?? 'A step'} is tried again: ${step.lastFailure?.message ?? ''}`;
}

export async function whyNoAnswer(client: Client, taskQueue: string, error: unknown): Promise<string> {
  const what = error instanceof Error ? error.message : String(error);
  try {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: taskQueue },
    });
    if (pollers.length > 0) return `The run does not answer at the moment (${what}); waiting for its result.`;
    return `No worker polls the task queue "${taskQueue}": start one with \`npm run worker\`. Waiting for it.`;
  } catch {
    return `Temporal does not answer at the moment (${what}); waiting for it.`;
  }
}
