import type { LoadDate } from '../domain/load-date.ts';

/**
 * The ids of everything that the client starts. They begin with the task queue, so that two installations in one
 * namespace do not take each other's runs for their own.
 */
export function workflowIds(taskQueue: string) {
  return {
    day: (date: LoadDate) => `${taskQueue}-${date}`,
    backfill: (from: LoadDate, to: LoadDate) => `${taskQueue}-backfill-${from}-${to}`,
    history: `${taskQueue}-history`,
    schedule: `${taskQueue}-daily`,
  };
}
