import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
export type EventId = NonNullable<NonNullable<History['events']>[number]['eventId']>;

/** Resets a run as the UI and `temporal workflow reset` do; returns the id of the new one. */
export async function reset(
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
  return response.runId;
}

/** Resets a run and waits; returns the outcome of the new one. */
export async function resetRun(...[of, workflowId, ...at]: Parameters<typeof reset>): Promise<string> {
  const runId = await reset(of, workflowId, ...at);
  const result: unknown = await of.client.workflow.getHandle(workflowId, runId).result();
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
