/**
 * Temporal priority of backfills and history, with all their steps: behind the daily run and a person's `run`, which have
 * the default, 3.
 */
export const BACKFILL_PRIORITY = { priorityKey: 4 };
