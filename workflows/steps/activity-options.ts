import { proxyActivities, type ActivityInterfaceFor } from '@temporalio/workflow';
import type { Activities } from '../../activities/index.ts';
import type { RunOptions } from '../../domain/day.ts';

/** A worker that is lost is noticed after this; every activity heartbeats each second. */
const HEARTBEAT_TIMEOUT_MS = 5_000;
/** Longest patience with a database that is down before the day is given up. */
const DATABASE_PATIENCE = '24h';
/** However short the run's own limits are, a call may be tried again for this long. */
const LEAST_PATIENCE_MS = 2 * 60_000;
/** A landing worker that does not take a task within this is taken for gone; doubled at every new try. */
const FIRST_LANDING_WAIT_MS = 5_000;
const LONGEST_LANDING_WAIT_MS = 10 * 60_000;

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

type Proxied = ActivityInterfaceFor<Activities>;

/** Steps that work with the database alone. */
export const databaseSteps: Pick<
  Proxied,
  | 'planRun'
  | 'claimDay'
  | 'chooseLanding'
  | 'listOpenDays'
  | 'updateDCity'
  | 'updateDItem'
  | 'updateDCustomer'
  | 'updateFSales'
> = proxyActivities<Activities>({
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  // A cancelled run waits for what its step has done: a step that commits while it is cancelled has its say first.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  startToCloseTimeout: '2h',
  scheduleToCloseTimeout: DATABASE_PATIENCE,
  retry,
});

/** The last word of a run that did not load. */
export const outcomeSteps: Pick<Proxied, 'recordOutcome'> = proxyActivities<Activities>({
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '10m',
  retry,
});

/** Messages to a person: worth some tries, never worth a day. */
export const alertSteps: Pick<Proxied, 'sendAlert'> = proxyActivities<Activities>({
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '5m',
  retry: { ...retry, maximumAttempts: 3 },
});

/** Calls of the report API: each try is short, all tries together as long as the run may wait. */
export function reportSteps(
  options: RunOptions,
): Pick<Proxied, 'generateReport' | 'getReport' | 'getIncrement'> {
  return proxyActivities<Activities>({
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    startToCloseTimeout: '5m',
    scheduleToCloseTimeout: Math.max(options.reportTimeoutMs, options.filesTimeoutMs, LEAST_PATIENCE_MS),
    retry,
  });
}

/**
 * Steps that work with files on one landing directory, on the task queue of the workers that see it.
 * @param round counts, from 0, how often the files have had to be landed anew
 */
export function landingSteps(
  taskQueue: string,
  round: number,
): Pick<Proxied, 'landFile' | 'checkFile' | 'stageFile'> {
  return proxyActivities<Activities>({
    taskQueue,
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    startToCloseTimeout: '6h',
    scheduleToStartTimeout: Math.min(FIRST_LANDING_WAIT_MS * 2 ** round, LONGEST_LANDING_WAIT_MS),
    scheduleToCloseTimeout: DATABASE_PATIENCE,
    retry,
  });
}
