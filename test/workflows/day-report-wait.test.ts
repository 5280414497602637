import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { fakeDays, inTurn } from '../support/fake-day.ts';
import { REPORT } from '../support/usual-answers.ts';

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

const POLLS = 30;
const given = fakeDays();

test('a report that is RUNNING for 30 polls: durable timers that hold no slot, one report', async () => {
  const notReady = Array.from({ length: POLLS - 1 }, () => undefined);
  const day = given({ getReport: inTurn(...notReady, REPORT) });
  const run = await day.start({ reportPollIntervalMs: 10 });
  assert.equal((await run.result()).outcome, 'loaded');
  assert.equal(day.count('getReport'), POLLS);
  assert.equal(day.count('generateReport'), 1, 'the report was asked for once');
  const waits = waitsIn((await run.fetchHistory()).events ?? []);
  assert.equal(waits.length, POLLS - 1);
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
