import type { LoadDate } from '../domain/load-date.ts';

/**
 * The ids of everything that the client starts. They begin with the task queue, so that two installations can share a
 * namespace.
 */
export function workflowIds(taskQueue: string) {
  return {
    /** A run of some files has a separate id, so that a run of the whole day never joins it. */
    day: (date: LoadDate, files: readonly string[] = []) => [taskQueue, date, ...files.toSorted()].join('-'),
    backfill: (from: LoadDate, to: LoadDate) => `${taskQueue}-backfill-${from}-${to}`,
    history: `${taskQueue}-history`,
    schedule: `${taskQueue}-daily`,
  };
}
