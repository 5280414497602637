import type { Client, ScheduleDescription } from '@temporalio/client';
import { runOptions } from '../../runtime/run-options.ts';
import { connectClient } from '../../runtime/temporal.ts';
import { firstSkippedDate, loadDateOfRun } from '../../domain/due-days.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { CommandFailed, type Output } from '../output.ts';
import { hasSearchAttributes } from '../../runtime/search-attributes.ts';
import {
  changes,
  dailySchedule,
  describeSchedule,
  factsOf,
  scheduleHandle,
  scheduleSettings,
  wantedSchedule,
  type ScheduleFacts,
} from '../schedule.ts';
import { startDay } from '../start-day.ts';
import { steadily } from '../steadily.ts';

type Work = (client: Client) => Promise<void>;

async function withClient(work: Work): Promise<void> {
  const client = await connectClient();
  try {
    await work(client);
  } finally {
    await client.connection.close();
  }
}

/** `client schedule apply`: creates the daily schedule, or brings it to what the settings say. */
export async function apply(options: { paused?: boolean }, output: Output): Promise<void> {
  refuseSkippedTime(process.env);
  await withClient(async (client) => {
    const wanted = wantedSchedule(process.env, await hasSearchAttributes(client));
    const handle = scheduleHandle(client, process.env);
    const before = await describeSchedule(handle);
    if (before) {
      // A paused schedule stays paused, with its note.
      await steadily(() => handle.update(({ state }) => ({ ...wanted, state })));
    } else {
      await client.schedule.create({
        ...wanted,
        state: options.paused ? { paused: true, note: 'created paused' } : {},
      });
    }
    const after = await handle.describe();
    const changed = before ? changes(factsOf(before), factsOf(after)) : [];
    const action = !before ? 'created' : changed.length > 0 ? 'updated' : 'unchanged';
    const { paused } = after.state;
    output.result({ schedule_id: handle.scheduleId, action, changed, paused, ...factsOf(after) }, () =>
      [
        `Schedule ${handle.scheduleId}: ${action}.${paused ? ' It is paused: npm run client -- schedule resume' : ''}`,
        ...changed.map((change) => `  ${change}`),
        ...(before ? [] : [describeFacts(factsOf(after))]),
      ].join('\n'),
    );
  });
}

/** A run that is due at a time that clocks skip would not come, and its day be lost (contract, ruling 23). */
function refuseSkippedTime(env: NodeJS.ProcessEnv): void {
  const daily = dailySchedule(env);
  const skipped = firstSkippedDate(daily, new Date());
  if (skipped === undefined) return;
  const time = (hour: number) => `${String(hour).padStart(2, '0')}:${String(daily.minute).padStart(2, '0')}`;
  const hours = Array.from({ length: 24 }, (_, ahead) => (daily.hour + ahead) % 24);
  const safe = hours.find((hour) => firstSkippedDate({ ...daily, hour }, new Date()) === undefined);
  throw new CommandFailed(
    `SCHEDULE_TIME ${time(daily.hour)} does not exist on ${skipped} in ${daily.timeZone}, where clocks are put forward: ` +
      `that day's run would be lost.${safe === undefined ? '' : ` ${time(safe)} exists on every day.`}`,
    2,
  );
}

/** `client schedule show`. */
export async function show(output: Output): Promise<void> {
  await withClient(async (client) => {
    const { handle, description } = await existing(client);
    const { state, info } = description;
    const facts = factsOf(description);
    const document = {
      schedule_id: handle.scheduleId,
      paused: state.paused,
      note: state.note ?? null,
      ...facts,
      next: info.nextActionTimes.map((at) => ({ due: at.toISOString(), load_date: loadDateOf(at, facts) })),
      recent: info.recentActions.map(({ scheduledAt, takenAt, action }) => ({
        due: scheduledAt.toISOString(),
        started: takenAt.toISOString(),
        load_date: loadDateOf(scheduledAt, facts),
        workflow_id: action.workflow.workflowId,
        run_id: action.workflow.firstExecutionRunId,
      })),
      running: info.runningActions.map(({ workflow }) => workflow.workflowId),
      runs: info.numActionsTaken,
      missed: info.numActionsMissedCatchupWindow,
      skipped: info.numActionsSkippedOverlap,
    };
    output.result(document, () =>
      [
        `Schedule ${document.schedule_id}${state.paused ? ` is PAUSED (${state.note ?? 'no note'})` : ' is active'}.`,
        describeFacts(facts),
        `Runs: ${document.runs}, missed by the catch-up window: ${document.missed}, skipped: ${document.skipped}.`,
        ...document.recent.map((run) => `  ${run.due} loaded ${run.load_date ?? '?'} by ${run.workflow_id}`),
        'Next:',
        ...document.next.slice(0, 5).map((run) => `  ${run.due} will load ${run.load_date ?? '?'}`),
      ].join('\n'),
    );
  });
}

/** `client schedule pause` and `resume`. */
export async function setPaused(paused: boolean, note: string | undefined, output: Output): Promise<void> {
  await withClient(async (client) => {
    const { handle } = await existing(client);
    const text = note ?? `${paused ? 'paused' : 'resumed'} by the client`;
    await steadily(() => (paused ? handle.pause(text) : handle.unpause(text)));
    output.result({ schedule_id: handle.scheduleId, paused, note: text }, () =>
      paused ? `Schedule ${handle.scheduleId} is paused.` : `Schedule ${handle.scheduleId} is active.`,
    );
  });
}

/** `client schedule trigger`: runs the schedule now; with a date, starts the run of that date. */
export async function trigger(date: LoadDate | undefined, output: Output): Promise<void> {
  await withClient(async (client) => {
    const { TEMPORAL_TASK_QUEUE } = scheduleSettings(process.env);
    if (date === undefined) {
      const { handle } = await existing(client);
      await steadily(() => handle.trigger());
      output.result(
        { schedule_id: handle.scheduleId, triggered: true },
        () => `Triggered ${handle.scheduleId}.`,
      );
      return;
    }
    const { handle, joined } = await startDay(client, TEMPORAL_TASK_QUEUE, date, runOptions(process.env));
    output.result({ date, workflow_id: handle.workflowId, triggered: !joined }, () =>
      joined ? `${handle.workflowId} is running already.` : `Started ${handle.workflowId}.`,
    );
  });
}

/** `client schedule delete`: safe to repeat. */
export async function remove(output: Output): Promise<void> {
  await withClient(async (client) => {
    const handle = scheduleHandle(client, process.env);
    const deleted = (await describeSchedule(handle)) !== undefined;
    if (deleted) await handle.delete();
    output.result({ schedule_id: handle.scheduleId, deleted }, () =>
      deleted
        ? `Schedule ${handle.scheduleId} is deleted; runs that are going on go on.`
        : 'There is no schedule.',
    );
  });
}

async function existing(client: Client) {
  const handle = scheduleHandle(client, process.env);
  const description = await describeSchedule(handle);
  if (description) return { handle, description: description satisfies ScheduleDescription };
  throw new CommandFailed(`There is no schedule ${handle.scheduleId}: create it with \`schedule apply\`.`);
}

function loadDateOf(due: Date, { time_zone, offset_days }: ScheduleFacts): LoadDate | null {
  return offset_days === null ? null : loadDateOfRun({ timeZone: time_zone, offsetDays: offset_days }, due);
}

function describeFacts(facts: ScheduleFacts): string {
  return (
    `Every day at ${facts.time} ${facts.time_zone}, loading the day ${facts.offset_days ?? '?'} before, on task queue ` +
    `${facts.task_queue}.\nMissed runs are made up for within ${facts.catchup_window}; overlapping runs: ` +
    `${facts.overlap}; a failed day pauses the schedule: ${facts.pause_on_failure ? 'yes' : 'no'}.`
  );
}
