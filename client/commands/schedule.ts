import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
  type ScheduleHandle,
} from '@temporalio/client';
import {
  firstSkippedDate,
  loadDateOfRun,
  newestDueDay,
  timeOfDay,
  type DailySchedule,
} from '../../domain/due-days.ts';
import { addDays, type LoadDate } from '../../domain/load-date.ts';
import { messageOf } from '../../domain/text.ts';
import { DAY_STATE_PARAMETERS } from '../../domain/feeds.ts';
import { workflowIds } from '../../domain/workflow-ids.ts';
import { hasSearchAttributes } from '../../runtime/search-attributes.ts';
import { readSettings, SettingsError } from '../../runtime/settings.ts';
import { withDatabase } from '../database.ts';
import { loadCommand } from '../../domain/load-command.ts';
import { reasonOf } from '../failure-text.ts';
import { CommandFailed, type Output } from '../output.ts';
import { retryScheduleUpdate } from '../retry-schedule-update.ts';
import { runSettings } from '../run-settings.ts';
import { changes, propertiesOf, scheduleSettings, wantedSchedule } from '../schedule.ts';
import type { Schedule, ScheduleProperties } from '../../schemas/documents.ts';
import { dayRequest, startOrJoin } from '../start.ts';
import { withTemporal } from '../temporal.ts';

/** `client schedule apply`: creates the daily schedule, or updates it to the settings. */
export async function apply(options: { paused?: boolean }, output: Output): Promise<void> {
  const settings = scheduleSettings(process.env);
  refuseSkippedTime(settings.daily);
  await withSchedule(async (handle, client) => {
    const wanted = wantedSchedule(settings, await hasSearchAttributes(client));
    let before: ScheduleDescription | undefined;
    try {
      await client.schedule.create({ ...wanted, ...(options.paused && PAUSED) });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw refusedZone(error);
      before = await handle.describe();
      // A paused schedule stays paused, with its note.
      const update = () => handle.update(({ state }) => ({ ...wanted, state }));
      await retryScheduleUpdate(update).catch((refused: unknown) => {
        throw refusedZone(refused);
      });
    }
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

/** The server's time zone database may differ from Node's. */
function refusedZone(error: unknown): unknown {
  const reason = reasonOf(error);
  return /time ?zone/i.test(reason)
    ? new SettingsError([`Temporal rejected SCHEDULE_TIME_ZONE: ${reason}.`])
    : error;
}

/** A run due at a time that a clock change skips would never start, and its day would be lost (contract, ruling 23). */
function refuseSkippedTime(daily: DailySchedule): void {
  const skipped = firstSkippedDate(daily, new Date());
  if (skipped === undefined) return;
  const hours = Array.from({ length: 24 }, (_, ahead) => (daily.hour + ahead) % 24);
  const safe = hours.find((hour) => firstSkippedDate({ ...daily, hour }, new Date()) === undefined) ?? 12;
  throw new CommandFailed(
    `SCHEDULE_TIME ${timeOfDay(daily.hour, daily.minute)} does not exist on ${skipped} in ${daily.timeZone}, where clocks go forward: ` +
      `that day's run would be lost. Set SCHEDULE_TIME to ${timeOfDay(safe, daily.minute)}, which exists on every day.`,
    2,
  );
}

/** `client schedule show`. */
export async function show(_: object, output: Output): Promise<void> {
  await withSchedule(async (handle) => {
    const description = await handle.describe();
    const { state, info } = description;
    const properties = propertiesOf(description);
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
      open_days: await openDays(properties, output),
    };
    const { open_days: open } = document;
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
        ...(open?.load
          ? [`Days due but not loaded: ${open.days}, the first ${open.from}. ${open.load}`]
          : []),
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
  await withSchedule(async (handle) => {
    await handle.describe(); // one that is not there is told at once, not after all tries
    await retryScheduleUpdate(() => (paused ? handle.pause(note) : handle.unpause(note)));
    const { scheduleId: schedule_id } = handle;
    output.result(
      { schedule_id, paused, note },
      () => `Schedule ${schedule_id} is ${paused ? 'paused' : 'active'}.`,
    );
  });
}

/** `client schedule trigger`: runs the schedule now; with a date, starts the run of that date. */
export async function trigger({ date }: { date?: LoadDate }, output: Output): Promise<void> {
  await withSchedule(async (schedule, client) => {
    if (date === undefined) {
      const { scheduleId } = await schedule.describe(); // as above
      await retryScheduleUpdate(() => schedule.trigger());
      output.result({ schedule_id: scheduleId, triggered: true }, () => `Triggered ${scheduleId}.`);
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
  await withSchedule(async (handle) => {
    const { scheduleId: schedule_id } = handle;
    const deleted = await handle.delete().then(
      () => true,
      (error: unknown) => {
        if (error instanceof ScheduleNotFoundError) return false;
        throw error;
      },
    );
    output.result({ schedule_id, deleted }, () =>
      deleted ? `Schedule ${schedule_id} is deleted; runs in progress continue.` : 'There is no schedule.',
    );
  });
}

async function withSchedule(work: (handle: ScheduleHandle, client: Client) => Promise<void>): Promise<void> {
  const { schedule } = workflowIds(readSettings(process.env, ['TEMPORAL_TASK_QUEUE']).TEMPORAL_TASK_QUEUE);
  await withTemporal(async (client) => {
    try {
      await work(client.schedule.getHandle(schedule), client);
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      throw new CommandFailed(`There is no schedule ${schedule}: create it with \`schedule apply\`.`);
    }
  });
}

function loadDateOf(due: Date, { time_zone, offset_days }: ScheduleProperties): LoadDate | null {
  return offset_days === null ? null : loadDateOfRun({ timeZone: time_zone, offsetDays: offset_days }, due);
}

type OpenDays = { days: number } & Record<'first_date' | 'last_date', LoadDate | null>;

/** The days due by this schedule but not loaded; null when the database cannot be read. */
async function openDays(
  { time, time_zone: timeZone, offset_days: offsetDays }: ScheduleProperties,
  output: Output,
): Promise<Schedule['open_days']> {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const newestDue = newestDueDay({ hour, minute, timeZone, offsetDays: offsetDays ?? 1 }, new Date());
  try {
    const values = [addDays(newestDue, 1), ...DAY_STATE_PARAMETERS];
    const { days, first_date, last_date } = await withDatabase((database) =>
      database.one<OpenDays>('audit/open_days', values),
    );
    const load = first_date && last_date && loadCommand(first_date, last_date);
    return { days, from: first_date, to: last_date, load };
  } catch (error) {
    output.note(`Cannot list the days that are not loaded: ${messageOf(error)}`);
    return null;
  }
}

function describe(schedule: ScheduleProperties): string {
  const { time, time_zone, offset_days, task_queue, catchup_window, overlap, pause_on_failure } = schedule;
  return (
    `Every day at ${time} ${time_zone}, loading the day ${offset_days ?? '?'} before, on task queue ${task_queue}.\n` +
    `Catch-up window for missed runs: ${catchup_window}; overlapping runs: ${overlap}; ` +
    `a failed day pauses the schedule: ${pause_on_failure ? 'yes' : 'no'}.`
  );
}
