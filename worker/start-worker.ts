import { Worker, type NativeConnection } from '@temporalio/worker';
import { HEARTBEAT_EVERY_MS, heartbeatInterceptor } from '../activities/heartbeat-interceptor.ts';
import { createActivities } from '../activities/index.ts';
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
  /** Resolves when the worker has stopped, with everything closed; rejects when it broke. */
  stopped: Promise<void>;
  /** It polls and the database answers. */
  isReady(): Promise<boolean>;
  /** Stops taking tasks, and lets running activities finish within WORKER_SHUTDOWN_GRACE. */
  stop(): void;
}

export interface WorkerEnvironment extends ResourceEnvironment {
  connection: NativeConnection;
}

/** Starts the Temporal worker of this process. */
export async function startWorker(
  settings: WorkerSettings,
  environment: WorkerEnvironment,
): Promise<RunningWorker> {
  const { connection, namespace } = environment;
  const taskQueue = settings.TEMPORAL_TASK_QUEUE;
  const workerDeploymentOptions = deploymentOptions(settings);
  const { dependencies, probe, close } = await openResources(settings, environment);
  let worker: Worker;
  try {
    worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      activities: createActivities(dependencies),
      workflowBundle: await workflowBundle({
        encrypting: settings.PAYLOAD_KEYS.length > 0,
        onWarning: environment.onWarning,
      }),
      dataConverter: settings.dataConverter,
      interceptors: { activity: [heartbeatInterceptor] },
      ...(workerDeploymentOptions && { workerDeploymentOptions }),
      // Most activities hold a database connection while they run: more of them than connections would only queue. One
      // connection is left to what the worker does by a timer.
      maxConcurrentActivityTaskExecutions: settings.DATABASE_POOL_SIZE - 1,
      // Otherwise the SDK holds them back for 80 % of the heartbeat timeout, which leaves a busy machine no margin.
      maxHeartbeatThrottleInterval: HEARTBEAT_EVERY_MS,
      maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
      stickyQueueScheduleToStartTimeout: STICKY_QUEUE_TIMEOUT,
      shutdownGraceTime: settings.WORKER_SHUTDOWN_GRACE,
    });
  } catch (error) {
    await close();
    throw error;
  }
  const stop = () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const stopped = worker.run().finally(close);
  const isReady = async () => worker.getState() === 'RUNNING' && (await probe.answers());
  return { taskQueue, stopped, stop, isReady };
}
