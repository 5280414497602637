import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
export type EventId = NonNullable<NonNullable<History['events']>[number]['eventId']>;

/** Resets a run as the UI and `temporal workflow reset` do; returns the outcome of the new one. */
export async function resetRun(
  { client }: { client: Client },
  workflowId: string,
  runId: string,
  eventId: EventId,
): Promise<string> {
  const response = await client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId },
    reason: 'a test',
    workflowTaskFinishEventId: eventId,
    requestId: randomUUID(),
  });
  const result: unknown = await client.workflow.getHandle(workflowId, response.runId).result();
  return (result as { outcome: string }).outcome;
}

/** The events that the UI offers to reset to. */
export async function resetPoints(
  { client }: { client: Client },
  workflowId: string,
  runId: string,
): Promise<EventId[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).flatMap((event) =>
    event.workflowTaskCompletedEventAttributes && event.eventId ? [event.eventId] : [],
  );
}
