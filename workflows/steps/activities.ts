import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/index.ts';

/** A worker that is lost is noticed after this; every activity heartbeats each second. */
const HEARTBEAT_TIMEOUT_MS = 5_000;
/** How long a day waits for a database or a disk before it is given up. */
const PATIENCE_MS = 24 * 3_600_000;

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** What a day does with its files and its tables. */
export const steps = proxyActivities<Activities>({
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  // A cancelled run waits for what its step has done: a step that commits while it is cancelled is still recorded.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  startToCloseTimeout: '6h',
  scheduleToCloseTimeout: PATIENCE_MS,
  retry,
});

/** What is left to do when the outcome of a run is known. */
export const outcomeSteps = proxyActivities<Activities>({
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '10m',
  retry,
});

/** A message to a person, retried for up to 24 hours; in a workflow of its own, which no day waits for. */
export const alertSteps = proxyActivities<Activities>({
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: PATIENCE_MS,
  retry: { ...retry, maximumInterval: '5m' },
});

/** Calls of the report API, tried again for as long as the wait that they belong to goes on. */
export function reportSteps(patienceMs: number) {
  return proxyActivities<Activities>({
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    startToCloseTimeout: '5m',
    scheduleToCloseTimeout: patienceMs,
    retry,
  });
}
