import { setTimeout as sleep } from 'node:timers/promises';
import {
  QueryNotRegisteredError,
  ServiceError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { MINUTE_MS } from '../domain/durations.ts';
import type { RunState } from '../workflows/steps/progress.ts';
import { codeOf, reasonOf } from './failure-text.ts';
import type { Output } from './output.ts';
import { failureMessage } from './payloads.ts';

const POLL_INTERVAL_MS = 1_000;
const QUERY_TIMEOUT_MS = 3_000;
/** Also of a server that has gone silent: its calls would wait for it without end. */
const REASON_TIMEOUT_MS = 5_000;

/** Shows a run's progress on standard error until `signal` aborts, and why there is none, e.g. when no worker polls. */
export async function follow(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  let shown = '';
  const left = timeLeft();
  const show = (line: string) => {
    if (line !== shown && !signal.aborted) output.note(left(line));
    shown = line;
  };
  while (await sleep(POLL_INTERVAL_MS, true, { signal }).catch(() => false)) {
    try {
      const [state, failing] = await client.connection.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
        Promise.all([handle.query<RunState>('state'), failingStep(client, handle)]),
      );
      show(failing === undefined ? state.currentStep : `${state.currentStep} ${failing}`);
    } catch (error) {
      show(`${await whyNoAnswer(client, handle, taskQueue, error)} Waiting for it.`);
    }
  }
}

/** Adds to the progress of a backfill how long the other days take at the pace since the command began. */
export function timeLeft() {
  let begun: { done: number; at: number } | undefined;
  return (line: string) =>
    line.replace(/^(\d+) of (\d+) days done, \d+ failed/, (text, done: string, days: string) => {
      begun ??= { done: Number(done), at: Date.now() };
      const pace = (Number(done) - begun.done) / (Date.now() - begun.at);
      return pace > 0 && done !== days
        ? `${text}, about ${Math.ceil((+days - +done) / pace / MINUTE_MS)}m left`
        : text;
    });
}

/** Why a step is being retried, if one is. */
async function failingStep(client: Client, handle: WorkflowHandle): Promise<string | undefined> {
  const { raw } = await handle.describe();
  const step = raw.pendingActivities?.find((activity) => activity.lastFailure);
  if (!step) return undefined;
  const message = await failureMessage(client, step.lastFailure);
  return `Retrying ${step.activityType?.name ?? 'a step'}: ${message ?? ''}`;
}

/** Why a query failed: no worker, a worker that cannot run the workflow, an unreadable answer, or no Temporal. */
export async function whyNoAnswer(
  client: Client,
  { workflowId }: WorkflowHandle,
  taskQueue: string,
  error: unknown,
): Promise<string> {
  try {
    const why = await client.connection.withDeadline(Date.now() + REASON_TIMEOUT_MS, () =>
      whyNotRun(client, workflowId, taskQueue),
    );
    if (why !== undefined) return why;
  } catch (later) {
    if (later instanceof ServiceError || 'code' in (later as Error))
      return `Temporal is not responding (${reasonOf(later)}).`;
    error = later;
  }
  if (error instanceof QueryNotRegisteredError)
    return `${workflowId} does not say how far it is: its worker runs another version.`;
  if (codeOf(error) === NOT_READY) return `${workflowId} has not begun yet.`;
  return error instanceof ServiceError || error instanceof WorkflowUpdateRPCTimeoutOrCancelledError
    ? `${workflowId} is not responding (${reasonOf(error)}).`
    : `The answer of ${workflowId} cannot be read: ${reasonOf(error).replace(/\.$/, '')}.`;
}

/** As the server sees it; undefined when it sees no reason. */
async function whyNotRun(client: Client, workflowId: string, taskQueue: string): Promise<string | undefined> {
  const { namespace } = client.options;
  const { pollers, versioningInfo } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
  });
  if (pollers.length === 0)
    return `No worker polls the task queue "${taskQueue}": start one with \`npm run worker\`.`;
  const { currentDeploymentVersion: current, rampingDeploymentVersion: ramping } = versioningInfo ?? {};
  const serving = [current?.buildId, ramping?.buildId];
  const isIdle = pollers.every(
    ({ deploymentOptions: of }) =>
      (of?.workerVersioningMode as unknown) === VERSIONED && !serving.includes(of?.buildId),
  );
  if (isIdle)
    return (
      `The workers of the task queue "${taskQueue}" are versions of a Worker Deployment of which none is current: ` +
      'make one so with `temporal worker deployment set-current-version`.'
    );
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace,
    execution: { workflowId },
    maximumPageSize: 10,
  });
  const task = history?.events?.find(
    (event) => event.workflowTaskFailedEventAttributes ?? event.workflowTaskCompletedEventAttributes,
  );
  const message = await failureMessage(client, task?.workflowTaskFailedEventAttributes?.failure);
  // In quotes: "here" in it is there.
  return message && `The worker cannot run ${workflowId} and reports: "${message}"`;
}

/** gRPC, of a query before the first workflow task: failed precondition. */
const NOT_READY = 9;
/** WORKER_VERSIONING_MODE_VERSIONED */
const VERSIONED = 2;
