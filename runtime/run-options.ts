import type { RunOptions } from '../domain/run-options.ts';
import { readSettings, type SettingName } from './settings.ts';

const SETTING_OF = {
  reportPollIntervalMs: 'REPORT_POLL_INTERVAL',
  reportTimeoutMs: 'REPORT_TIMEOUT',
  filesTimeoutMs: 'FILES_TIMEOUT',
  optionalFiles: 'OPTIONAL_FILES',
  maxRejectedShare: 'MAX_REJECTED_SHARE',
  lateAfterMs: 'LATE_AFTER',
  volumeAlertShare: 'VOLUME_ALERT_SHARE',
} as const satisfies Record<keyof RunOptions, SettingName>;

/** What shapes a run, from the environment of whoever starts it. Throws `SettingsError`. */
export function runOptions(env: NodeJS.ProcessEnv): RunOptions {
  const values = readSettings(env, Object.values(SETTING_OF));
  const entries = Object.entries(SETTING_OF).map(([name, setting]) => [name, values[setting]]);
  return Object.fromEntries(entries) as RunOptions;
}
