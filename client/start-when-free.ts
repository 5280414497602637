import type { Client } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { awaitResult } from './await-result.ts';
import type { follow } from './follow.ts';
import type { Output } from './output.ts';
import { startOrJoin, type Started, type StartRequest } from './start.ts';

/**
 * Starts a workflow, or joins the running one with the same id. One that does less than was asked for is waited for
 * first, however it ends (contract, ruling 47).
 */
export async function startWhenFree<W extends Workflow>(
  client: Client,
  request: StartRequest<W>,
  output: Output,
  watch?: typeof follow,
): Promise<Started<W>> {
  for (;;) {
    const started = await startOrJoin(client, request);
    if (started.lacks === undefined) return started;
    await awaitResult(client, started, output, watch);
  }
}
