import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';

/**
 * The newest run of a workflow, if it is open. By workflow id alone: after a reset the workflow is open under another run
 * id. One that is past the namespace's retention, or in another namespace, is not open.
 */
export async function openRun(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  const described = await describedRun(client, workflowId);
  const name = described?.status.name;
  return name === 'RUNNING' || name === 'PAUSED' ? described : undefined;
}

/** The same, open or not. */
export async function describedRun(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
