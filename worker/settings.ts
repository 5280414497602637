import { dataConverter } from '../runtime/codec/data-converter.ts';
import { dailySchedule } from '../runtime/daily-schedule.ts';
import { runOptions } from '../runtime/run-options.ts';
import { readSettings, readTogether } from '../runtime/settings.ts';
import { temporalConfig } from '../runtime/temporal.ts';

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
  'REJECTED_RETENTION',
  'HOUSEKEEPING_INTERVAL',
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
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'LOG_LEVEL',
  'WORKER_SHUTDOWN_GRACE',
] as const;

export type WorkerSettings = ReturnType<typeof readWorkerSettings>;

/** All that a worker needs from the environment, with all faults at once. Throws `SettingsError`. */
export function readWorkerSettings(env: NodeJS.ProcessEnv) {
  const [own, schedule, defaultRunOptions, temporal, converter] = readTogether(
    () => readSettings(env, NAMES),
    () => dailySchedule(env),
    () => runOptions(env),
    () => temporalConfig(env),
    () => dataConverter(env),
  );
  return { ...own, schedule, defaultRunOptions, temporal, ...converter };
}
