import type { DailySchedule } from '../domain/due-days.ts';
import { readSettings } from './settings.ts';

/** When the daily run is due, and which day it loads. Throws `SettingsError`. */
export function dailySchedule(env: NodeJS.ProcessEnv): DailySchedule {
  const names = ['SCHEDULE_TIME', 'SCHEDULE_TIME_ZONE', 'SCHEDULE_OFFSET_DAYS'] as const;
  const { SCHEDULE_TIME, SCHEDULE_TIME_ZONE, SCHEDULE_OFFSET_DAYS } = readSettings(env, names);
  return { ...SCHEDULE_TIME, timeZone: SCHEDULE_TIME_ZONE, offsetDays: SCHEDULE_OFFSET_DAYS };
}
