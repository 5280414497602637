import { Runtime } from '@temporalio/worker';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import { Database } from '../database/database.ts';
import { createPool } from '../database/pool.ts';
import { Probe } from '../database/probe.ts';
import { Downloader } from '../pipeline/extract/download.ts';
import { FileAddresses } from '../pipeline/extract/file-address.ts';
import { Landing } from '../pipeline/extract/landing.ts';
import { ReportApi } from '../pipeline/extract/report-api.ts';
import { SettingsError } from '../runtime/settings.ts';
import { every } from './every.ts';
import { measureFreshness } from './freshness.ts';
import { doHousekeeping } from './housekeeping.ts';
import type { WorkerSettings } from './settings.ts';

/** A download slower than this is not worth waiting for. */
const MIN_BYTES_PER_SECOND = 1024;

export interface ResourceEnvironment {
  namespace: string;
  onDatabaseError: (error: Error) => void;
  /** Something about the settings that is worth knowing at the start. */
  onWarning: (message: string) => void;
  /** How fresh the mart is could not be measured; it is tried again. */
  onFreshnessError: (error: unknown) => void;
  /** What need not be kept any longer could not be removed; it is tried again. */
  onHousekeepingError: (error: unknown) => void;
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
  const landing = new Landing(settings.LANDING_DIR);
  await landing.checkUsable().catch(landingFault);
  const pool = createPool({
    connectionString: settings.DATABASE_URL,
    applicationName: 'sales-increment worker',
    maxConnections: settings.DATABASE_POOL_SIZE,
    onIdleError: environment.onDatabaseError,
    onWarning: environment.onWarning,
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
  const stopMeasuring = measureFreshness(
    database,
    settings.schedule,
    Runtime.instance().metricMeter,
    environment.onFreshnessError,
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
    environment.onHousekeepingError,
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
        namespace: environment.namespace,
      },
    },
    probe,
    close: async () => {
      await Promise.all([stopMeasuring(), stopHousekeeping()]);
      await Promise.all([reportApi.close(), downloader.close(), probe.close(), pool.end()]);
    },
  };
}

function landingFault(error: unknown): never {
  const { message } = error as Error;
  throw new SettingsError([`LANDING_DIR must be a directory that the worker may write to: ${message}.`]);
}
