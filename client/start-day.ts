import type { Client } from '@temporalio/client';
import type { RunOptions } from '../domain/day.ts';
import type { LoadDate } from '../domain/load-date.ts';
import type { salesIncrement } from '../workflows/index.ts';
import { workflowIds } from './workflow-ids.ts';
import { startOrJoin, type Started } from './start.ts';

/** Starts the workflow of a date, or joins the one that is running. `files` limits it to some of the day's files. */
export async function startDay(
  client: Client,
  taskQueue: string,
  loadDate: LoadDate,
  options: RunOptions,
  files?: string[],
): Promise<Started<typeof salesIncrement>> {
  return await startOrJoin<typeof salesIncrement>(client, {
    workflowType: 'salesIncrement',
    workflowId: workflowIds(taskQueue).day(loadDate, files),
    taskQueue,
    kind: 'run',
    loadDate,
    summary: files ? `${files.join(', ')} of ${loadDate}` : `Sales of ${loadDate}`,
    input: { loadDate, options, ...(files && { files }) },
  });
}
