import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { workflowFailure, type FailureText } from './failure-text.ts';
import { follow } from './follow.ts';
import type { Output } from './output.ts';
import type { ResultOf } from './start.ts';

export type Ended<W extends Workflow> =
  | { runId: string; result: ResultOf<W>; failure?: undefined }
  | { runId: string; result?: undefined; failure: FailureText };

const RETRY_MS = 2_000;
/** About ten minutes, with the client's own tries in between. */
const MOST_TRIES = 60;

/**
 * Waits for a workflow and tells meanwhile what it does. Ctrl-C ends the client and not the workflow.
 * `watch` replaces the telling.
 */
export async function awaitResult<W extends Workflow>(
  client: Client,
  handle: WorkflowHandle<W>,
  taskQueue: string,
  output: Output,
  watch: typeof follow = follow,
): Promise<Ended<W>> {
  const { runId } = await handle.describe();
  const done = new AbortController();
  const interrupt = () => {
    output.note(`\n${handle.workflowId} goes on without this client; the same command joins it again.`);
    process.exit(130);
  };
  process.once('SIGINT', interrupt);
  const watched = watch(client, handle, taskQueue, output, done.signal);
  try {
    for (let lost = 0; ; lost += 1) {
      try {
        return { runId, result: await handle.result() };
      } catch (error) {
        // Only the workflow's own end is its end: that Temporal does not answer says nothing about it.
        if (error instanceof WorkflowFailedError || lost === MOST_TRIES)
          return { runId, failure: workflowFailure(error) };
        output.note(
          `Temporal does not answer: ${error instanceof Error ? error.message : String(error)}. Trying again.`,
        );
        await sleep(RETRY_MS);
      }
    }
  } finally {
    done.abort();
    await watched;
    process.off('SIGINT', interrupt);
  }
}
