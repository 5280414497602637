import { addDays, dayOf, type LoadDate } from './load-date.ts';

/** When the daily run is due, and which day it loads: SCHEDULE_TIME, SCHEDULE_TIME_ZONE and SCHEDULE_OFFSET_DAYS. */
export interface DailySchedule {
  hour: number;
  minute: number;
  timeZone: string;
  offsetDays: number;
}

/** The day that a run which is due at an instant loads. */
export function loadDateOfRun(
  { timeZone, offsetDays }: Omit<DailySchedule, 'hour' | 'minute'>,
  due: Date,
): LoadDate {
  return addDays(dayOf(due, timeZone), -offsetDays);
}

/** The newest day whose run was due at `now`: today's run counts from SCHEDULE_TIME on. */
export function newestDueDay(schedule: DailySchedule, now: Date): LoadDate {
  const { hour, minute, timeZone } = schedule;
  const today = loadDateOfRun(schedule, now);
  const time = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(now);
  const due = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
  return time >= due ? today : addDays(today, -1);
}
