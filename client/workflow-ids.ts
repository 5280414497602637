import type { LoadDate } from '../domain/load-date.ts';

/**
 * The ids of everything that the client starts. They begin with the task queue, so that two installations in one
 * namespace do not take each other's runs for their own.
 */
export function workflowIds(taskQueue: string) {
  return {
    /** A run of some files has an id of its own, so that a run of the whole day never joins it. */
    day: (date: LoadDate, files: readonly string[] = []) => [taskQueue, date, ...files.toSorted()].join('-'),
    backfill: (from: LoadDate, to: LoadDate) => `${taskQueue}-backfill-${from}-${to}`,
    history: `${taskQueue}-history`,
    schedule: `${taskQueue}-daily`,
  };
}
