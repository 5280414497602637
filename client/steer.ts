import {
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { reasonOf } from './failure-text.ts';
import { whyNoAnswer } from './follow.ts';
import { CommandFailed } from './output.ts';

const ANSWER_WITHIN_MS = 10_000;

/**
 * Asks a running backfill for something, by an update unless it is to be cancelled; returns its answer.
 * @throws CommandFailed with the reason, when it is refused or not taken within 10 s (contract, ruling 48)
 */
export async function steer(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  request: 'pause' | 'resume' | 'cancel' | 'setConcurrency',
  ...args: [number?]
): Promise<string> {
  try {
    return await client.connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
      if (request !== 'cancel')
        return await handle.executeUpdate<string, [number]>(request, { args: args as [number] });
      await handle.cancel();
      return 'Cancellation requested: days in progress stop cleanly.';
    });
  } catch (error) {
    throw new CommandFailed(await refusal(client, handle, taskQueue, error));
  }
}

async function refusal(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  error: unknown,
): Promise<string> {
  const { workflowId } = handle;
  const reason = reasonOf(error);
  if (error instanceof WorkflowNotFoundError)
    return `There is no backfill of this range in progress (${workflowId}).`;
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
    return (
      `No worker has taken the request within ${ANSWER_WITHIN_MS / 1_000} s. ` +
      `${await whyNoAnswer(client, handle, taskQueue, error)} Then repeat the command.`
    );
  if (!(error instanceof WorkflowUpdateFailedError))
    return `Temporal has refused the request to ${workflowId}: ${reason}.`;
  return /registered handler/i.test(reason)
    ? `${workflowId} does not know the request: it is no backfill, or its worker runs another version.`
    : `${workflowId} has refused the request: ${reason}`;
}
