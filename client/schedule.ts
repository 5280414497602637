import { ScheduleOverlapPolicy, type ScheduleDescription, type ScheduleOptions } from '@temporalio/client';
import { dailySchedule } from '../runtime/daily-schedule.ts';
import { readSettings, readTogether } from '../runtime/settings.ts';
import { runSettings } from './run-settings.ts';
import { timeOfDay } from '../domain/due-days.ts';
import { formatDuration } from '../domain/durations.ts';
import { snakeCase } from '../domain/text.ts';
import type { SalesIncrementInput } from '../workflows/inputs.ts';
import { workflowIds } from '../domain/workflow-ids.ts';
import type { ScheduleProperties } from '../schemas/documents.ts';
import { searchAttributes } from '../runtime/search-attributes.ts';

/** Throws one `SettingsError` with all faults. */
export function scheduleSettings(env: NodeJS.ProcessEnv) {
  const [run, daily, { SCHEDULE_CATCHUP_WINDOW: catchupWindow }] = readTogether(
    () => runSettings(env),
    () => dailySchedule(env),
    () => readSettings(env, ['SCHEDULE_CATCHUP_WINDOW']),
  );
  return { ...run, daily, catchupWindow };
}

/** The daily schedule, from the settings. */
export function wantedSchedule(
  { taskQueue, options, daily, catchupWindow }: ReturnType<typeof scheduleSettings>,
  tagged: boolean,
): ScheduleOptions {
  const { hour, minute, timeZone, offsetDays } = daily;
  const ids = workflowIds(taskQueue);
  const input: SalesIncrementInput = { schedule: { timeZone, offsetDays }, options };
  return {
    scheduleId: ids.schedule,
    spec: { calendars: [{ hour, minute, comment: 'the daily increment' }], timezone: timeZone },
    action: {
      type: 'startWorkflow',
      workflowType: 'salesIncrement',
      workflowId: ids.scheduledDay,
      taskQueue,
      args: [input],
      staticSummary: 'Sales of the day, by schedule',
      ...searchAttributes(tagged, 'schedule'),
    },
    policies: {
      // A day that is still loading when the next one is due finishes first.
      overlap: ScheduleOverlapPolicy.BUFFER_ALL,
      catchupWindow,
      pauseOnFailure: false,
    },
  };
}

/** What `apply` compares and `show` prints. */
export function propertiesOf(description: ScheduleDescription): ScheduleProperties {
  const { spec, policies, action } = description;
  const calendar = spec.calendars?.[0];
  const input = (action.args?.[0] ?? {}) as SalesIncrementInput;
  return {
    time: timeOfDay(calendar?.hour[0]?.start ?? 0, calendar?.minute[0]?.start ?? 0),
    time_zone: spec.timezone ?? 'UTC',
    offset_days: input.schedule?.offsetDays ?? null,
    task_queue: action.taskQueue,
    catchup_window: formatDuration(policies.catchupWindow),
    overlap: policies.overlap ?? 'SKIP',
    pause_on_failure: policies.pauseOnFailure,
    options: Object.fromEntries(
      Object.entries(input.options ?? {}).map(([name, value]) => [snakeCase(name), value]),
    ),
  };
}

/** The differences, as `name: before → after`. */
export function changes(before: ScheduleProperties, after: ScheduleProperties): string[] {
  const flat = ({ options, ...others }: ScheduleProperties): Record<string, unknown> => ({
    ...others,
    ...options,
  });
  const [old, now] = [flat(before), flat(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((name) => JSON.stringify(old[name]) !== JSON.stringify(now[name]))
    .map((name) => `${name}: ${JSON.stringify(old[name])} → ${JSON.stringify(now[name])}`);
}
