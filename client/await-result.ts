import { setTimeout as sleep } from 'node:timers/promises';
import {
  ServiceError,
  WorkflowContinuedAsNewError,
  WorkflowFailedError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { TerminatedFailure, type Workflow, type WorkflowResultType } from '@temporalio/common';
import { workflowFailure, type FailureText } from './failure-text.ts';
import { follow } from './follow.ts';
import type { Output } from './output.ts';
import type { FailedRun, LoadedRun } from '../schemas/documents.ts';
import { startOrJoin, type StartRequest } from './start.ts';

/** The ids of a run in its document. */
export type RunIds<D extends LoadedRun | FailedRun> = Pick<D, 'workflow_id' | 'run_id'>;

export type Ended<W extends Workflow> =
  | { ids: RunIds<LoadedRun>; result: WorkflowResultType<W>; failure?: undefined }
  | { ids: RunIds<FailedRun>; result?: undefined; failure: FailureText };

const RETRY_MS = 2_000;
/** About ten minutes, including the client's own retries. */
const MAX_TRIES = 60;

/**
 * Starts a workflow, or joins the running one with the same id, and waits for its end. One that does less than was asked
 * for is waited for first, however it ends (contract, ruling 47).
 */
export async function startAndAwait<W extends Workflow>(
  client: Client,
  request: StartRequest<W>,
  output: Output,
  onJoin?: (handle: WorkflowHandle<W>) => Promise<void>,
): Promise<Ended<W>> {
  const { workflowId } = request;
  for (;;) {
    const { handle, joined, lacks } = await startOrJoin(client, request);
    if (joined && lacks === undefined) await onJoin?.(handle);
    output.note(joined ? `${workflowId} is already running: waiting for it.` : `Started ${workflowId}.`);
    if (lacks !== undefined) output.note(`That run ${lacks}: what was asked for begins when it has ended.`);
    const ended = await awaitResult(client, request, output);
    if (lacks === undefined) return ended;
  }
}

/** Shows the progress meanwhile; follows a reset to the new run. Ctrl-C stops the client, not the workflow. */
async function awaitResult<W extends Workflow>(
  client: Client,
  { workflowId, taskQueue }: StartRequest<W>,
  output: Output,
): Promise<Ended<W>> {
  const interrupt = () => {
    output.note(`\n${workflowId} keeps running; run the same command again to rejoin it.`);
    process.exit(130);
  };
  process.once('SIGINT', interrupt);
  const done = new AbortController();
  // By workflow id alone, so that it always shows the newest run.
  const watched = follow(client, client.workflow.getHandle(workflowId), taskQueue, output, done.signal);
  try {
    return await newestResult<W>(client, workflowId, output);
  } finally {
    done.abort();
    await watched;
    process.off('SIGINT', interrupt);
  }
}

async function newestResult<W extends Workflow>(
  client: Client,
  workflowId: string,
  output: Output,
): Promise<Ended<W>> {
  let terminated: { runId: string; error: WorkflowFailedError } | undefined;
  let runId: string | null = null;
  const failed = (error: unknown): Ended<W> => ({
    ids: { workflow_id: workflowId, run_id: runId },
    failure: workflowFailure(error),
  });
  for (let lost = 0; ;) {
    try {
      ({ runId } = await client.workflow.getHandle(workflowId).describe());
      if (terminated?.runId === runId) return failed(terminated.error);
      if (terminated) output.note(`${workflowId} was reset: waiting for its new run.`);
      terminated = undefined;
      // Not across executions: the document names the one that ended.
      const result = await client.workflow.getHandle<W>(workflowId, runId, { followRuns: false }).result();
      return { ids: { workflow_id: workflowId, run_id: runId }, result };
    } catch (error) {
      if (error instanceof WorkflowContinuedAsNewError) continue;
      if (error instanceof WorkflowFailedError) {
        if (!(error.cause instanceof TerminatedFailure) || runId === null) return failed(error);
        // A reset terminates the run and starts a new one under the same workflow id.
        terminated = { runId, error };
        continue;
      }
      // An unreachable Temporal server means nothing about the workflow itself.
      if (!(error instanceof ServiceError))
        return failed(new Error(`Cannot read the result of ${workflowId}: ${(error as Error).message}`));
      if (lost === MAX_TRIES) return failed(error);
      lost += 1;
      output.note(`Temporal is not responding: ${error.message}. Retrying.`);
      await sleep(RETRY_MS);
    }
  }
}
