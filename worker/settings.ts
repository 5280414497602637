import { readSettings } from '../runtime/settings.ts';
import { dataConverter } from '../runtime/codec/data-converter.ts';
import { runOptions } from '../runtime/run-options.ts';
import { SettingsError } from '../runtime/settings.ts';
import { tracingSettings } from '../runtime/tracing/settings.ts';

const NAMES = [
  'REPORT_API_URL',
  'REPORT_API_KEY',
  'REPORT_API_NICKNAME',
  'REPORT_API_COHORT',
  'REPORT_API_TIMEOUT',
  'MAX_FILE_BYTES',
  'DOWNLOAD_IDLE_TIMEOUT',
  'LANDING_DIR',
  'LANDING_RETENTION',
  'DATABASE_URL',
  'DATABASE_POOL_SIZE',
  'TEMPORAL_TASK_QUEUE',
  'TEMPORAL_DEPLOYMENT_NAME',
  'TEMPORAL_WORKER_BUILD_ID',
  'ALERT_WEBHOOK_URL',
  'TEMPORAL_UI_URL',
  'PAYLOAD_KEYS',
  'METRICS_ADDRESS',
  'HEALTH_ADDRESS',
  'LOG_LEVEL',
  'WORKER_SHUTDOWN_GRACE',
  'SCHEDULE_TIME',
  'SCHEDULE_TIME_ZONE',
  'SCHEDULE_OFFSET_DAYS',
] as const;

export type WorkerSettings = ReturnType<typeof readWorkerSettings>;

/** All that a worker needs from the environment, with all faults at once. Throws `SettingsError`. */
export function readWorkerSettings(env: NodeJS.ProcessEnv) {
  const faults: string[] = [];
  const collect = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      faults.push(...error.faults);
      return undefined;
    }
  };
  const own = collect(() => readSettings(env, NAMES));
  const defaults = collect(() => runOptions(env));
  const tracing = collect(() => tracingSettings(env));
  if (!own || !defaults || faults.length > 0) throw new SettingsError(faults);
  return { ...own, defaultRunOptions: defaults, tracing, ...dataConverter(env) };
}
