import { dataConverter } from '../runtime/codec/data-converter.ts';
import { dailySchedule } from '../runtime/daily-schedule.ts';
import { runOptions } from '../runtime/run-options.ts';
import { readSettings, readTogether, SETTINGS, type SettingName } from '../runtime/settings.ts';
import { temporalConfig } from '../runtime/temporal.ts';

/** All but those that other programs alone use. */
const NAMES = (Object.keys(SETTINGS) as SettingName[]).filter(
  (name) => !/^CODEC_SERVER_|^SCHEDULE_CATCHUP_WINDOW$/.test(name),
);

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
