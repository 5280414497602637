import { proxyActivities, type ActivityInterfaceFor } from '@temporalio/workflow';
import type { Activities } from '../../activities/index.ts';

/** A worker that is lost is noticed after this; every activity heartbeats each second. */
const HEARTBEAT_TIMEOUT_MS = 5_000;
/** How long a day waits for a database or a disk before it is given up. */
const PATIENCE_MS = 24 * 3_600_000;
/** However short the run's own limits are, a call is tried for this long. */
const MIN_CALL_PATIENCE_MS = 5_000;

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

type Proxied = ActivityInterfaceFor<Activities>;

/** What a day does with its files and its tables. */
export const steps: Pick<
  Proxied,
  | 'planDay'
  | 'planHistory'
  | 'claimDay'
  | 'planBackfill'
  | 'recordBackfillDays'
  | 'failBackfillDays'
  | 'landFile'
  | 'stageFile'
  | 'updateDimensions'
  | 'updateFSales'
> = proxyActivities<Activities>({
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  // A cancelled run waits for what its step has done: a step that commits while it is cancelled is still recorded.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  startToCloseTimeout: '6h',
  scheduleToCloseTimeout: PATIENCE_MS,
  retry,
});

/** What is left to do when the outcome of a run is known. */
export const outcomeSteps: Pick<Proxied, 'recordFailure' | 'recordNotFound' | 'findOpenDays'> =
  proxyActivities<Activities>({
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    startToCloseTimeout: '1m',
    scheduleToCloseTimeout: '10m',
    retry,
  });

/** A message to a person, retried for up to 24 hours; in a workflow of its own, which no day waits for. */
export const alertSteps: Pick<Proxied, 'sendAlert'> = proxyActivities<Activities>({
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: PATIENCE_MS,
  retry: { ...retry, maximumInterval: '5m' },
});

/**
 * Calls of the report API, tried again until the wait that they belong to is over.
 * @param deadline milliseconds since 1970
 * @param minPatienceMs however soon that is, a call is tried for this long
 */
export function reportSteps(
  deadline: number,
  minPatienceMs = MIN_CALL_PATIENCE_MS,
): Pick<Proxied, 'generateReport' | 'getReport' | 'getIncrement'> {
  return proxyActivities<Activities>({
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    startToCloseTimeout: '5m',
    scheduleToCloseTimeout: Math.max(deadline - Date.now(), minPatienceMs),
    retry,
  });
}
