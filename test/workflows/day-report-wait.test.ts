import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { callsOf, kill, stackFor, startWorkerProcess, until } from '../client/harness.ts';

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

const POLLS = 30;

test('a report that is RUNNING for 30 polls, with a worker that is killed: durable timers, one report', async (t) => {
  const stack = await stackFor(t, { worker: false, api: { pollsUntilReady: POLLS } });
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
  const first = await startWorkerProcess(t, stack);
  const handle = await stack.startDay('2024-02-25', { reportPollIntervalMs: 100 });
  const polls = () => callsOf(stack, 'get_report').length;
  await until('10 polls', () => polls() >= 10);
  await until('a run that waits for its next poll', async () => {
    const { events = [] } = await handle.fetchHistory();
    return events?.at(-1)?.timerStartedEventAttributes != null;
  });
  await kill(first);
  const pollsAtKill = polls();
  assert.ok(pollsAtKill < POLLS, 'the worker was killed in the middle of the wait');

  await startWorkerProcess(t, stack);
  assert.equal((await handle.result()).outcome, 'loaded');
  assert.ok(polls() > pollsAtKill, 'the second worker went on polling');
  assert.equal(callsOf(stack, 'generate_report').length, 1, 'the report was asked for once');

  const events = (await handle.fetchHistory()).events ?? [];
  const waits = waitsIn(events);
  assert.ok(waits.length >= POLLS - 1 && waits.length <= POLLS, `${waits.length} timers`);
  for (const { summary, openActivities, activitiesMeanwhile } of waits) {
    assert.equal(summary, 'until the next poll');
    assert.equal(openActivities, 0, 'no activity is open when the timer starts');
    assert.equal(activitiesMeanwhile, 0, 'none is scheduled before it fires');
  }
});

interface Wait {
  summary: unknown;
  openActivities: number;
  activitiesMeanwhile: number;
}

/** The timers of a history, and what went on beside them. */
function waitsIn(events: HistoryEvent[]): Wait[] {
  const waits: Wait[] = [];
  let openActivities = 0;
  let current: Wait | undefined;
  for (const event of events) {
    if (event.activityTaskScheduledEventAttributes) {
      openActivities += 1;
      if (current) current.activitiesMeanwhile += 1;
    }
    if (
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes
    ) {
      openActivities -= 1;
    }
    if (event.timerStartedEventAttributes) {
      const summary = event.userMetadata?.summary?.data;
      current = {
        summary: summary ? (JSON.parse(Buffer.from(summary).toString()) as unknown) : undefined,
        openActivities,
        activitiesMeanwhile: 0,
      };
      waits.push(current);
    }
    if (event.timerFiredEventAttributes) current = undefined;
  }
  return waits;
}
