import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { HEARTBEAT_EVERY_MS, heartbeatInterceptor } from '../activities/heartbeat-interceptor.ts';
import { createActivities } from '../activities/index.ts';
import { pingQueue } from '../domain/task-queues.ts';
import { NO_TRACING, type Tracing } from '../runtime/tracing/start.ts';
import { deploymentOptions } from './deployment-version.ts';
import { openResources, type ResourceEnvironment } from './resources.ts';
import type { WorkerSettings } from './settings.ts';
import { workflowBundle } from './workflow-bundle.ts';

/** A workflow that a lost worker had in its cache goes on elsewhere after this. */
const STICKY_QUEUE_TIMEOUT = '3s';
/**
 * A workflow in the cache takes 0.4 MB: one that waits for a day's report may as well be read from its history when it
 * goes on, so that memory does not grow with the number of waiting days.
 */
const MAX_CACHED_WORKFLOWS = 100;

export interface RunningWorker {
  taskQueue: string;
  landingTaskQueue: string;
  /** Resolves when the worker has stopped, with everything closed; rejects when it broke. */
  stopped: Promise<void>;
  /** All workers poll and the database answers. */
  isReady(): Promise<boolean>;
  /** Stops taking tasks, and lets running activities finish within WORKER_SHUTDOWN_GRACE. */
  stop(): void;
}

export interface WorkerEnvironment extends ResourceEnvironment {
  connection: NativeConnection;
  tracing?: Tracing;
  /** For tests. */
  overrides?: Pick<WorkerOptions, 'maxCachedWorkflows' | 'identity'>;
}

/**
 * Starts the Temporal workers of this process: one on the shared task queue, one on the queue of this landing
 * directory, which takes the steps that need its files, and one that answers whether this process is alive.
 */
export async function startWorker(
  settings: WorkerSettings,
  environment: WorkerEnvironment,
): Promise<RunningWorker> {
  const { connection, namespace, tracing = NO_TRACING, overrides } = environment;
  const taskQueue = settings.TEMPORAL_TASK_QUEUE;
  const workerDeploymentOptions = deploymentOptions(settings);
  const { dependencies, probe, close } = await openResources(settings, environment);
  const { landingTaskQueue } = dependencies;
  const activities = createActivities(dependencies);
  const common = {
    connection,
    namespace,
    activities,
    dataConverter: settings.dataConverter,
    // The span is around it, so that it ends with the failure that Temporal is told.
    interceptors: { activity: [...tracing.activity, heartbeatInterceptor] },
    sinks: tracing.sinks,
    // Most activities hold a database connection while they run: more of them than connections would only queue.
    maxConcurrentActivityTaskExecutions: Math.max(1, Math.floor(settings.DATABASE_POOL_SIZE / 2)),
    // Otherwise the SDK holds them back for 80 % of the heartbeat timeout, which leaves a busy machine no margin.
    maxHeartbeatThrottleInterval: HEARTBEAT_EVERY_MS,
    shutdownGraceTime: settings.WORKER_SHUTDOWN_GRACE,
    ...overrides,
  } satisfies Partial<WorkerOptions>;
  let workers: Worker[];
  try {
    workers = await Promise.all([
      Worker.create({
        ...common,
        taskQueue,
        workflowBundle: await workflowBundle({
          encrypting: settings.PAYLOAD_KEYS.length > 0,
          onWarning: environment.onWarning,
        }),
        ...(workerDeploymentOptions && { workerDeploymentOptions }),
        maxCachedWorkflows: overrides?.maxCachedWorkflows ?? MAX_CACHED_WORKFLOWS,
        stickyQueueScheduleToStartTimeout: STICKY_QUEUE_TIMEOUT,
      }),
      // Of no version: the files on a disk are for whichever version comes to work with them.
      Worker.create({ ...common, taskQueue: landingTaskQueue }),
      // With a slot and a poll of its own: it answers however busy the landing queue is.
      Worker.create({
        ...common,
        taskQueue: pingQueue(landingTaskQueue),
        activities: { pingLanding: activities.pingLanding },
        maxConcurrentActivityTaskExecutions: 1,
      }),
    ]);
  } catch (error) {
    await close();
    throw error;
  }
  const stop = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  // One that breaks takes the others with it, so that the process ends and is started anew.
  const stopped = Promise.all(workers.map((worker) => worker.run().finally(stop)))
    .then(() => undefined)
    .finally(close);
  const isReady = async () =>
    workers.every((worker) => worker.getState() === 'RUNNING') && (await probe.answers());
  return { taskQueue, landingTaskQueue, stopped, stop, isReady };
}
