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
  const { events } = await run.fetchHistory();
  const kinds = (events ?? []).map((event) => {
    if (event.activityTaskScheduledEventAttributes) return 'begun ';
    if (event.activityTaskCompletedEventAttributes) return 'done ';
    if (event.timerStartedEventAttributes) return `wait for ${summaryOf(event)} `;
    return event.timerFiredEventAttributes ? 'over ' : '';
  });
  // No step is open when a wait begins, and none begins before it is over.
  const waits = 'done wait for "until the next poll" over begun ';
  assert.ok(kinds.join('').includes(waits.repeat(POLLS - 1)), kinds.join(''));
});

function summaryOf({ userMetadata }: HistoryEvent): string {
  return Buffer.from(userMetadata?.summary?.data ?? []).toString();
}
