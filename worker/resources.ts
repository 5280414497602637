import { Runtime } from '@temporalio/worker';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import { Database } from '../database/database.ts';
import { createPool } from '../database/pool.ts';
import { Probe } from '../database/probe.ts';
import { messageOf } from '../domain/text.ts';
import { Downloader } from '../pipeline/extract/download.ts';
import { FileAddresses } from '../pipeline/extract/file-address.ts';
import { Landing } from '../pipeline/extract/landing.ts';
import { ReportApi } from '../pipeline/extract/report-api.ts';
import { SettingsError } from '../runtime/settings.ts';
import { every } from './every.ts';
import { freshness } from './freshness.ts';
import { doHousekeeping } from './housekeeping.ts';
import type { WorkerSettings } from './settings.ts';

/** A download slower than this is not worth waiting for. */
const MIN_BYTES_PER_SECOND = 1024;
const FRESHNESS_INTERVAL_MS = 60_000;

export interface ResourceEnvironment {
  namespace: string;
  /** What is worth knowing about the settings at the start, and what has failed beside the tasks and is tried again. */
  onWarning: (message: string, error?: unknown) => void;
}

/** What a worker holds open. */
export interface Resources {
  dependencies: ActivityDependencies;
  probe: Probe;
  close: () => Promise<void>;
}

export async function openResources(
  settings: WorkerSettings,
  environment: ResourceEnvironment,
): Promise<Resources> {
  const { namespace, onWarning } = environment;
  const landing = new Landing(settings.LANDING_DIR);
  await landing.checkUsable().catch((error: unknown) => {
    const reason = messageOf(error);
    throw new SettingsError([`LANDING_DIR must be a directory that the worker may write to: ${reason}.`]);
  });
  const pool = createPool({
    connectionString: settings.DATABASE_URL,
    applicationName: 'sales-increment worker',
    maxConnections: settings.DATABASE_POOL_SIZE,
    onIdleError: (error) => onWarning('a database connection broke', error),
    onWarning,
  });
  const database = new Database(pool);
  const probe = new Probe(pool);
  const idleTimeoutMs = settings.DOWNLOAD_IDLE_TIMEOUT;
  const limits = {
    maxBytes: settings.MAX_FILE_BYTES,
    idleTimeoutMs,
    minBytesPerIdleTimeout: Math.ceil((MIN_BYTES_PER_SECOND * idleTimeoutMs) / 1_000),
  };
  const downloader = new Downloader(limits, new FileAddresses(settings.REPORT_API_URL));
  const reportApi = new ReportApi({
    baseUrl: settings.REPORT_API_URL,
    apiKey: settings.REPORT_API_KEY,
    nickname: settings.REPORT_API_NICKNAME,
    cohort: settings.REPORT_API_COHORT,
    timeoutMs: settings.REPORT_API_TIMEOUT,
  });
  const stopMeasuring = every(
    FRESHNESS_INTERVAL_MS,
    freshness(database, settings.schedule, Runtime.instance().metricMeter),
    (error) => onWarning('the freshness of the mart could not be measured', error),
  );
  const housekeeping = {
    database,
    landing,
    landingRetentionMs: settings.LANDING_RETENTION,
    rejectedRetentionMs: settings.REJECTED_RETENTION,
    intervalMs: settings.HOUSEKEEPING_INTERVAL,
  };
  const stopHousekeeping = every(
    housekeeping.intervalMs,
    () => doHousekeeping(housekeeping),
    (error) => onWarning('old data could not be removed', error),
  );
  return {
    dependencies: {
      database,
      reportApi,
      downloader,
      landing,
      defaultRunOptions: settings.defaultRunOptions,
      alerts: {
        webhookUrl: settings.ALERT_WEBHOOK_URL,
        temporalUiUrl: settings.TEMPORAL_UI_URL.replace(/\/+$/, ''),
        namespace,
      },
    },
    probe,
    close: async () => {
      await Promise.all([stopMeasuring(), stopHousekeeping()]);
      await Promise.all([reportApi.close(), downloader.close(), probe.close(), pool.end()]);
    },
  };
}
