import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
} from '@temporalio/client';
import { firstSkippedDate, loadDateOfRun, newestDueDay, timeOfDay } from '../../domain/due-days.ts';
import { addDays, type LoadDate } from '../../domain/load-date.ts';
import { messageOf } from '../../domain/text.ts';
import { DAY_STATE_PARAMETERS } from '../../domain/feeds.ts';
import { hasSearchAttributes } from '../../runtime/search-attributes.ts';
import { readTogether, SettingsError } from '../../runtime/settings.ts';
import { withDatabase } from '../database.ts';
import { loadCommand } from '../../domain/load-command.ts';
import { dailySchedule } from '../../runtime/daily-schedule.ts';
import { CommandFailed, type Output } from '../output.ts';
import { retryScheduleUpdate } from '../retry-schedule-update.ts';
import { runSettings } from '../run-settings.ts';
import { changes, propertiesOf, scheduleHandle, scheduleSettings, wantedSchedule } from '../schedule.ts';
import type { Schedule, ScheduleProperties } from '../../schemas/documents.ts';
import { dayRequest, startOrJoin } from '../start.ts';
import { withTemporal } from '../temporal.ts';

/** `client schedule apply`: creates the daily schedule, or updates it to the settings. */
export async function apply(options: { paused?: boolean }, output: Output): Promise<void> {
  readTogether(
    () => runSettings(process.env),
    () => scheduleSettings(process.env),
  );
  refuseSkippedTime(process.env);
  await withTemporal(async (client) => {
    const wanted = wantedSchedule(process.env, await hasSearchAttributes(client));
    const handle = scheduleHandle(client, process.env);
    const before = await createOrDescribe(client, { ...wanted, ...(options.paused && PAUSED) }).catch(
      refusedZone,
    );
    // A paused schedule stays paused, with its note.
    const update = () => handle.update(({ state }) => ({ ...wanted, state }));
    if (before) await retryScheduleUpdate(update).catch(refusedZone);
    const after = await handle.describe();
    const properties = propertiesOf(after);
    const changed = before ? changes(propertiesOf(before), properties) : [];
    const action = !before ? 'created' : changed.length > 0 ? 'updated' : 'unchanged';
    const { paused } = after.state;
    output.result({ schedule_id: handle.scheduleId, action, changed, paused, ...properties }, () =>
      [
        `Schedule ${handle.scheduleId}: ${action}.${paused ? ' It is paused: npm run client -- schedule resume' : ''}`,
        ...changed.map((change) => `  ${change}`),
        ...(before ? [] : [describe(properties)]),
      ].join('\n'),
    );
  });
}

const PAUSED = { state: { paused: true, note: 'created paused' } };

/** Creates the schedule and returns undefined; or returns the description of an existing one. */
async function createOrDescribe(
  client: Client,
  wanted: ScheduleOptions,
): Promise<ScheduleDescription | undefined> {
  try {
    await client.schedule.create(wanted);
    return undefined;
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    return await client.schedule.getHandle(wanted.scheduleId).describe();
  }
}

/** The server's time zone database may differ from Node's. */
function refusedZone(error: Error): never {
  const { message } = error.cause instanceof Error ? error.cause : error;
  if (!/time ?zone/i.test(message)) throw error;
  throw new SettingsError([`Temporal rejected SCHEDULE_TIME_ZONE: ${message}.`]);
}

/** A run due at a time that a clock change skips would never start, and its day would be lost (contract, ruling 23). */
function refuseSkippedTime(env: NodeJS.ProcessEnv): void {
  const daily = dailySchedule(env);
  const skipped = firstSkippedDate(daily, new Date());
  if (skipped === undefined) return;
  const hours = Array.from({ length: 24 }, (_, ahead) => (daily.hour + ahead) % 24);
  const safe = hours.find((hour) => firstSkippedDate({ ...daily, hour }, new Date()) === undefined);
  throw new CommandFailed(
    `SCHEDULE_TIME ${timeOfDay(daily.hour, daily.minute)} does not exist on ${skipped} in ${daily.timeZone}, where clocks go forward: ` +
      `that day's run would be lost.${safe === undefined ? '' : ` Set SCHEDULE_TIME to ${timeOfDay(safe, daily.minute)}, which exists on every day.`}`,
    2,
  );
}

/** `client schedule show`. */
export async function show(_: object, output: Output): Promise<void> {
  await withTemporal(async (client) => {
    const { handle, description } = await existing(client);
    const { state, info } = description;
    const properties = propertiesOf(description);
    const open = await openDays(properties, output);
    const document: Schedule = {
      schedule_id: handle.scheduleId,
      paused: state.paused,
      note: state.note ?? null,
      ...properties,
      next: info.nextActionTimes.map((at) => ({
        due: at.toISOString(),
        load_date: loadDateOf(at, properties),
      })),
      recent: info.recentActions.map(({ scheduledAt, takenAt, action }) => ({
        due: scheduledAt.toISOString(),
        started: takenAt.toISOString(),
        load_date: loadDateOf(scheduledAt, properties),
        workflow_id: action.workflow.workflowId,
        run_id: action.workflow.firstExecutionRunId,
      })),
      running: info.runningActions.map(({ workflow }) => workflow.workflowId),
      runs: info.numActionsTaken,
      missed: info.numActionsMissedCatchupWindow,
      skipped: info.numActionsSkippedOverlap,
      open_days: open,
    };
    output.result(document, () =>
      [
        `Schedule ${document.schedule_id}${state.paused ? ` is PAUSED (${state.note ?? 'no note'})` : ' is active'}.`,
        describe(properties),
        `Runs: ${document.runs}, missed (outside the catch-up window): ${document.missed}, skipped: ${document.skipped}.`,
        ...document.recent.map(
          (run) => `  ${run.due} started ${run.workflow_id} for ${run.load_date ?? '?'}`,
        ),
        'Next:',
        ...document.next.slice(0, 5).map((run) => `  ${run.due} will load ${run.load_date ?? '?'}`),
        ...(open === null || open.days === 0
          ? []
          : [`Days due but not loaded: ${open.days}, the first ${open.from ?? ''}. ${open.load ?? ''}`]),
      ].join('\n'),
    );
  });
}

interface Note {
  note?: string;
}

/** `client schedule pause`. */
export const pause = ({ note = 'paused by the client' }: Note, output: Output) =>
  setPaused(true, note, output);

/** `client schedule resume`. */
export const resume = ({ note = 'resumed by the client' }: Note, output: Output) =>
  setPaused(false, note, output);

async function setPaused(paused: boolean, note: string, output: Output): Promise<void> {
  await withTemporal(async (client) => {
    const { handle } = await existing(client);
    await retryScheduleUpdate(() => (paused ? handle.pause(note) : handle.unpause(note)));
    output.result({ schedule_id: handle.scheduleId, paused, note }, () =>
      paused ? `Schedule ${handle.scheduleId} is paused.` : `Schedule ${handle.scheduleId} is active.`,
    );
  });
}

/** `client schedule trigger`: runs the schedule now; with a date, starts the run of that date. */
export async function trigger({ date }: { date?: LoadDate }, output: Output): Promise<void> {
  await withTemporal(async (client) => {
    if (date === undefined) {
      const { handle } = await existing(client);
      await retryScheduleUpdate(() => handle.trigger());
      output.result(
        { schedule_id: handle.scheduleId, triggered: true },
        () => `Triggered ${handle.scheduleId}.`,
      );
      return;
    }
    const { handle, joined, lacks } = await startOrJoin(client, dayRequest(runSettings(process.env), date));
    if (lacks !== undefined)
      throw new CommandFailed(
        `${handle.workflowId} is already running and ${lacks}: repeat this when it has ended, or use \`run --date ${date}\`, which waits for it.`,
      );
    output.result({ date, workflow_id: handle.workflowId, triggered: !joined }, () =>
      joined ? `${handle.workflowId} is already running.` : `Started ${handle.workflowId}.`,
    );
  });
}

/** `client schedule delete`: safe to repeat. */
export async function remove(_: object, output: Output): Promise<void> {
  await withTemporal(async (client) => {
    const handle = scheduleHandle(client, process.env);
    const deleted = await handle
      .delete()
      .then(() => true)
      .catch(orIfMissing(() => false));
    output.result({ schedule_id: handle.scheduleId, deleted }, () =>
      deleted
        ? `Schedule ${handle.scheduleId} is deleted; runs in progress continue.`
        : 'There is no schedule.',
    );
  });
}

async function existing(client: Client) {
  const handle = scheduleHandle(client, process.env);
  const refuse = () => {
    throw new CommandFailed(`There is no schedule ${handle.scheduleId}: create it with \`schedule apply\`.`);
  };
  return { handle, description: await handle.describe().catch(orIfMissing(refuse)) };
}

/** Catches that there is no schedule. */
function orIfMissing<T>(instead: () => T): (error: unknown) => T {
  return (error) => {
    if (error instanceof ScheduleNotFoundError) return instead();
    throw error;
  };
}

function loadDateOf(due: Date, { time_zone, offset_days }: ScheduleProperties): LoadDate | null {
  return offset_days === null ? null : loadDateOfRun({ timeZone: time_zone, offsetDays: offset_days }, due);
}

/** The days due by this schedule but not loaded; null when the database cannot be read. */
async function openDays(
  { time, time_zone: timeZone, offset_days: offsetDays }: ScheduleProperties,
  output: Output,
): Promise<Schedule['open_days']> {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const newestDue = newestDueDay({ hour, minute, timeZone, offsetDays: offsetDays ?? 1 }, new Date());
  try {
    const [open] = await withDatabase((database) =>
      database.query<{ days: number; first_date: LoadDate | null; last_date: LoadDate | null }>(
        'audit/open_days',
        [addDays(newestDue, 1), ...DAY_STATE_PARAMETERS],
      ),
    );
    const { days = 0, first_date: from = null, last_date: to = null } = open ?? {};
    return { days, from, to, load: from === null || to === null ? null : loadCommand(from, to) };
  } catch (error) {
    output.note(`Cannot list the days that are not loaded: ${messageOf(error)}`);
    return null;
  }
}

function describe(properties: ScheduleProperties): string {
  return (
    `Every day at ${properties.time} ${properties.time_zone}, loading the day ${properties.offset_days ?? '?'} before, on task queue ` +
    `${properties.task_queue}.\nCatch-up window for missed runs: ${properties.catchup_window}; overlapping runs: ` +
    `${properties.overlap}; a failed day pauses the schedule: ${properties.pause_on_failure ? 'yes' : 'no'}.`
  );
}
