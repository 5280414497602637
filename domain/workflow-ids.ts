import type { LoadDate } from './load-date.ts';

/**
 * The ids of everything that the client starts. They begin with the task queue, so that two installations can share a
 * namespace.
 */
export function workflowIds(taskQueue: string) {
  const schedule = `${taskQueue}-daily`;
  return {
    /** A run of some files has a separate id, so that a run of the whole day never joins it. */
    day: (date: LoadDate, files: readonly string[] = []) => [taskQueue, date, ...files.toSorted()].join('-'),
    backfill: (from: LoadDate, to: LoadDate) => `${taskQueue}-backfill-${from}-${to}`,
    history: `${taskQueue}-history`,
    schedule,
    /** The server appends the time at which the run is due. */
    scheduledDay: `${schedule}-run`,
  };
}

/** The ids of what a workflow starts. `unique` tells apart what may be started more than once. */
export function childIds(workflowId: string) {
  return {
    day: (date: LoadDate, unique?: string) =>
      [`${workflowId}-day-${date}`, ...(unique === undefined ? [] : [unique])].join('-'),
    alert: (kind: string, unique: string) => `${workflowId}-alert-${kind}-${unique}`,
  };
}
