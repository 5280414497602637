import { Runtime, Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { HEARTBEAT_EVERY_MS, heartbeatInterceptor } from '../activities/heartbeat-interceptor.ts';
import { createActivities } from '../activities/index.ts';
import { Database } from '../database/database.ts';
import { createPool } from '../database/pool.ts';
import { Probe } from '../database/probe.ts';
import { Downloader } from '../pipeline/extract/download.ts';
import { Landing } from '../pipeline/extract/landing.ts';
import { ReportApi } from '../pipeline/extract/report-api.ts';
import { SettingsError } from '../runtime/settings.ts';
import { NO_TRACING, type Tracing } from '../runtime/tracing/start.ts';
import { workflowBundle } from './workflow-bundle.ts';
import { landingQueue, pingQueue } from '../domain/task-queues.ts';
import { deploymentOptions } from './deployment-version.ts';
import { measureFreshness } from './freshness.ts';
import type { WorkerSettings } from './settings.ts';

/** A download slower than this is not worth waiting for. */
const MIN_BYTES_PER_SECOND = 1024;
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
  /** Both workers poll and the database answers. */
  isReady(): Promise<boolean>;
  /** Stops taking tasks, and lets running activities finish within WORKER_SHUTDOWN_GRACE. */
  stop(): void;
}

export interface WorkerEnvironment {
  connection: NativeConnection;
  namespace: string;
  onDatabaseError: (error: Error) => void;
  /** Something about the settings that is worth knowing at the start. */
  onWarning: (message: string) => void;
  /** How fresh the mart is could not be measured; it is tried again. */
  onFreshnessError: (error: unknown) => void;
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
  const { tracing = NO_TRACING } = environment;
  const taskQueue = settings.TEMPORAL_TASK_QUEUE;
  const workerDeploymentOptions = deploymentOptions(settings);
  const landing = new Landing(settings.LANDING_DIR);
  const landingTaskQueue = landingQueue(taskQueue, await landing.id().catch(landingFault));
  const pool = createPool({
    connectionString: settings.DATABASE_URL,
    applicationName: 'sales-increment worker',
    maxConnections: settings.DATABASE_POOL_SIZE,
    onIdleError: environment.onDatabaseError,
    onWarning: environment.onWarning,
  });
  const idleTimeoutMs = settings.DOWNLOAD_IDLE_TIMEOUT;
  const downloader = new Downloader({
    maxBytes: settings.MAX_FILE_BYTES,
    idleTimeoutMs,
    minBytesPerIdleTimeout: Math.ceil((MIN_BYTES_PER_SECOND * idleTimeoutMs) / 1_000),
  });
  const reportApi = new ReportApi({
    baseUrl: settings.REPORT_API_URL,
    apiKey: settings.REPORT_API_KEY,
    nickname: settings.REPORT_API_NICKNAME,
    cohort: settings.REPORT_API_COHORT,
    timeoutMs: settings.REPORT_API_TIMEOUT,
  });
  const database = new Database(pool);
  const probe = new Probe(pool);
  const activities = createActivities({
    database,
    reportApi,
    downloader,
    landing,
    landingTaskQueue,
    defaultRunOptions: settings.defaultRunOptions,
    alerts: {
      webhookUrl: settings.ALERT_WEBHOOK_URL,
      temporalUiUrl: settings.TEMPORAL_UI_URL.replace(/\/+$/, ''),
      namespace: environment.namespace,
    },
    landingRetentionMs: settings.LANDING_RETENTION,
    now: () => new Date(),
  });
  const stopMeasuring = measureFreshness(
    database,
    {
      ...settings.SCHEDULE_TIME,
      timeZone: settings.SCHEDULE_TIME_ZONE,
      offsetDays: settings.SCHEDULE_OFFSET_DAYS,
    },
    Runtime.instance().metricMeter,
    environment.onFreshnessError,
  );
  const close = async () => {
    stopMeasuring();
    await Promise.all([reportApi.close(), downloader.close(), probe.close(), pool.end()]);
  };
  // Most activities hold a database connection while they run: more of them than connections would only queue.
  const slots = Math.max(1, Math.floor(settings.DATABASE_POOL_SIZE / 2));
  const common = {
    connection: environment.connection,
    namespace: environment.namespace,
    activities,
    dataConverter: settings.dataConverter,
    // The span is around it, so that it ends with the failure that Temporal is told.
    interceptors: { activity: [...tracing.activity, heartbeatInterceptor] },
    sinks: tracing.sinks,
    maxConcurrentActivityTaskExecutions: slots,
    // Otherwise the SDK holds them back for 80 % of the heartbeat timeout, which leaves a busy machine no margin.
    maxHeartbeatThrottleInterval: HEARTBEAT_EVERY_MS,
    shutdownGraceTime: settings.WORKER_SHUTDOWN_GRACE,
  } satisfies WorkerOptions | object;
  let workers: Worker[];
  try {
    workers = await Promise.all([
      Worker.create({
        ...common,
        taskQueue,
        workflowBundle: await workflowBundle({ encrypting: settings.PAYLOAD_KEYS.length > 0 }),
        ...(workerDeploymentOptions && { workerDeploymentOptions }),
        maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
        stickyQueueScheduleToStartTimeout: STICKY_QUEUE_TIMEOUT,
        ...environment.overrides,
      }),
      // Of no version: the files on a disk are for whichever version comes to work with them.
      Worker.create({ ...common, taskQueue: landingTaskQueue, ...environment.overrides }),
      // With slots of its own: answers however busy the landing queue is.
      Worker.create({
        connection: environment.connection,
        namespace: environment.namespace,
        activities: { pingLanding: activities.pingLanding },
        taskQueue: pingQueue(landingTaskQueue),
        maxConcurrentActivityTaskExecutions: 2,
        shutdownGraceTime: settings.WORKER_SHUTDOWN_GRACE,
        ...environment.overrides,
      }),
    ]);
  } catch (error) {
    await close();
    throw error;
  }
  const stop = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  // One that breaks takes the other with it, so that the process ends and is started anew.
  const stopped = Promise.all(workers.map((worker) => worker.run().finally(stop)))
    .then(() => undefined)
    .finally(close);
  const isReady = async () => {
    if (!workers.every((worker) => worker.getState() === 'RUNNING')) return false;
    return await probe.answers();
  };
  return { taskQueue, landingTaskQueue, stopped, stop, isReady };
}

function landingFault(error: unknown): never {
  const { message } = error as Error;
  throw new SettingsError([`LANDING_DIR must be a directory that the worker may write to: ${message}.`]);
}
