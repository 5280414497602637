import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowHandle } from '@temporalio/client';
import type { RunOptions } from '../shared/day.ts';
import type { LoadDate } from '../shared/load-date.ts';
import type { salesIncrement } from '../workflows/index.ts';

export interface StartedDay {
  handle: WorkflowHandle<typeof salesIncrement>;
  /** The date was being loaded by a run of the same id already. */
  joined: boolean;
}

/** Starts the workflow of a date, or joins the one that is running. */
export async function startDay(
  client: Client,
  taskQueue: string,
  loadDate: LoadDate,
  options: RunOptions,
): Promise<StartedDay> {
  const workflowId = `sales-increment-${loadDate}`;
  try {
    const handle = await client.workflow.start<typeof salesIncrement>('salesIncrement', {
      workflowId,
      taskQueue,
      args: [{ loadDate, options }],
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `Sales of ${loadDate}`,
      staticDetails: `Loads the sales increment of ${loadDate} into staging and mart.`,
    });
    return { handle, joined: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { handle: client.workflow.getHandle(workflowId), joined: true };
  }
}
