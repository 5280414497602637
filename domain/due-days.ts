import { DAY_MS } from './durations.ts';
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
  const today = dayOf(now, schedule.timeZone);
  const due = dueOn(today, schedule, offsetsOf(schedule.timeZone));
  return addDays(today, -schedule.offsetDays - (now.getTime() >= due ? 0 : 1));
}

/** `05:00` */
export function timeOfDay(hour: number, minute: number): string {
  return [hour, minute].map((part) => String(part).padStart(2, '0')).join(':');
}

/** An IANA time zone by the name that Node knows it by; undefined for what is none, such as an offset. */
export function knownTimeZone(name: string): string | undefined {
  // Some releases of Node take an offset for a zone.
  if (/^[+-]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

const YEARS_CHECKED = 5;

/**
 * The first date, from the day before `now` on, on which the schedule's time of day does not exist because clocks are
 * put forward over it; undefined when there is none in five years.
 */
export function firstSkippedDate(schedule: DailySchedule, now: Date): LoadDate | undefined {
  const { timeZone } = schedule;
  const first = addDays(dayOf(now, timeZone), -1);
  const offsetAt = offsetsOf(timeZone);
  for (let day = 0; day < YEARS_CHECKED * 366; day += 1) {
    const date = addDays(first, day);
    if (instantsOf(date, schedule, offsetAt).length === 0) return date;
  }
  return undefined;
}

/** The first instant of a date at which its run is due: where clocks are put back over that time, it comes twice. */
function dueOn(date: LoadDate, time: TimeOfDay, offsetAt: OffsetAt): number {
  // A time that clocks skip is over when they have been put forward.
  const [first = asUtc(date, time) - offsetAt(asUtc(date, time) - DAY_MS)] = instantsOf(date, time, offsetAt);
  return first;
}

/** The instants that read as a time of a date, in order; the zone's offset may change on that day. */
function instantsOf(date: LoadDate, time: TimeOfDay, offsetAt: OffsetAt): number[] {
  const at = asUtc(date, time);
  const offsets = new Set([offsetAt(at - DAY_MS), offsetAt(at + DAY_MS)]);
  return [...offsets]
    .filter((offset) => offsetAt(at - offset) === offset)
    .map((offset) => at - offset)
    .sort((a, b) => a - b);
}

function asUtc(date: LoadDate, { hour, minute }: TimeOfDay): number {
  return Date.parse(`${date}T00:00:00Z`) + (hour * 60 + minute) * 60_000;
}

type TimeOfDay = Pick<DailySchedule, 'hour' | 'minute'>;
/** Milliseconds that local time is ahead of UTC at an instant. */
type OffsetAt = (at: number) => number;

function offsetsOf(timeZone: string): OffsetAt {
  // One for all: making it takes longer than using it.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (at) => Date.parse(`${format.format(at).replace(' ', 'T')}Z`) - Math.floor(at / 1_000) * 1_000;
}
