import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { TerminatedFailure, type Workflow } from '@temporalio/common';
import { workflowFailure, type FailureText } from './failure-text.ts';
import { follow } from './follow.ts';
import type { Output } from './output.ts';
import type { ResultOf } from './start.ts';

export type Ended<W extends Workflow> =
  | { runId: string; result: ResultOf<W>; failure?: undefined }
  | { runId: string; result?: undefined; failure: FailureText };

const RETRY_MS = 2_000;
/** About ten minutes, with the client's own tries in between. */
const MAX_TRIES = 60;

/**
 * Waits for a workflow and shows meanwhile what it does; a reset is followed to the new run. Ctrl-C ends the client and
 * not the workflow.
 * @param watch shows the progress
 */
export async function awaitResult<W extends Workflow>(
  client: Client,
  { workflowId }: WorkflowHandle<W>,
  taskQueue: string,
  output: Output,
  watch: typeof follow = follow,
): Promise<Ended<W>> {
  const current = client.workflow.getHandle<W>(workflowId);
  const done = new AbortController();
  const interrupt = () => {
    output.note(`\n${workflowId} goes on without this client; the same command joins it again.`);
    process.exit(130);
  };
  process.once('SIGINT', interrupt);
  const watched = watch(client, current, taskQueue, output, done.signal);
  try {
    let { runId } = await current.describe();
    for (let lost = 0; ;) {
      try {
        return { runId, result: await client.workflow.getHandle<W>(workflowId, runId).result() };
      } catch (error) {
        const next = await newerRun(current, runId, error);
        if (next !== undefined) {
          output.note(`${workflowId} was reset: waiting for its new run.`);
          runId = next;
          continue;
        }
        // Only the workflow's own end is its end: that Temporal does not answer proves nothing about it.
        if (error instanceof WorkflowFailedError || lost === MAX_TRIES)
          return { runId, failure: workflowFailure(error) };
        lost += 1;
        const reason = error instanceof Error ? error.message : String(error);
        output.note(`Temporal does not answer: ${reason}. Trying again.`);
        await sleep(RETRY_MS);
      }
    }
  } finally {
    done.abort();
    await watched;
    process.off('SIGINT', interrupt);
  }
}

/** A reset terminates a run and starts another one under the same workflow id. */
async function newerRun(current: WorkflowHandle, runId: string, error: unknown): Promise<string | undefined> {
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof TerminatedFailure))
    return undefined;
  const newest = (await current.describe()).runId;
  return newest === runId ? undefined : newest;
}
