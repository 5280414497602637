import type { RunOptions } from '../domain/day.ts';
import { readSettings } from './settings.ts';

const NAMES = [
  'REPORT_POLL_INTERVAL',
  'REPORT_TIMEOUT',
  'FILES_TIMEOUT',
  'OPTIONAL_FILES',
  'MAX_REJECTED_SHARE',
  'LATE_AFTER',
  'VOLUME_ALERT_SHARE',
] as const;

/** What shapes a run, from the environment of whoever starts it. Throws `SettingsError`. */
export function runOptions(env: NodeJS.ProcessEnv): RunOptions {
  const settings = readSettings(env, NAMES);
  return {
    reportPollIntervalMs: settings.REPORT_POLL_INTERVAL,
    reportTimeoutMs: settings.REPORT_TIMEOUT,
    filesTimeoutMs: settings.FILES_TIMEOUT,
    optionalFiles: settings.OPTIONAL_FILES,
    maxRejectedShare: settings.MAX_REJECTED_SHARE,
    lateAfterMs: settings.LATE_AFTER,
    volumeAlertShare: settings.VOLUME_ALERT_SHARE,
  };
}
