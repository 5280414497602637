import {
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { reasonOf, whyNoAnswer } from './follow.ts';
import { CommandFailed } from './output.ts';

const ANSWER_WITHIN_MS = 10_000;

/**
 * Asks a running backfill for something by an update; returns its answer.
 * @throws CommandFailed with the reason, when it is refused or not taken within 10 s (contract, ruling 48)
 */
export async function steer(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  update: 'pause' | 'resume' | 'setConcurrency',
  concurrency?: number,
): Promise<string> {
  try {
    return await client.connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      concurrency === undefined
        ? handle.executeUpdate<string, []>(update)
        : handle.executeUpdate<string, [number]>(update, { args: [concurrency] }),
    );
  } catch (error) {
    throw new CommandFailed(await refusal(client, handle, taskQueue, error));
  }
}

/** Cancels a running backfill. */
export async function cancel(handle: WorkflowHandle): Promise<string> {
  try {
    await handle.cancel();
  } catch (error) {
    throw error instanceof WorkflowNotFoundError ? new CommandFailed(notRunning(handle)) : error;
  }
  return 'Cancellation requested: days in progress stop cleanly.';
}

async function refusal(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  error: unknown,
): Promise<string> {
  if (error instanceof WorkflowNotFoundError) return notRunning(handle);
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
    return (
      `No worker has taken the request within ${ANSWER_WITHIN_MS / 1_000} s. ` +
      `${await whyNoAnswer(client, handle, taskQueue, error)} Then repeat the command.`
    );
  if (!(error instanceof WorkflowUpdateFailedError))
    return `Temporal has refused the request to ${handle.workflowId}: ${reasonOf(error)}.`;
  const reason = reasonOf(error);
  return /registered handler/i.test(reason)
    ? `${handle.workflowId} does not know the request: it is no backfill, or its worker runs another version.`
    : `${handle.workflowId} has refused the request: ${reason}`;
}

function notRunning({ workflowId }: WorkflowHandle): string {
  return `There is no backfill of this range in progress (${workflowId}).`;
}
