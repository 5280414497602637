import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { DayResult } from '../../domain/day.ts';
import { addDays, dayOf } from '../../domain/load-date.ts';
import type { Schedule } from '../../schemas/documents.ts';
import { callsOf, until } from '../client/harness.ts';
import { documentOf } from '../support/client.ts';
import { TestStack } from '../support/stack.ts';

const stack = await TestStack.start({ api: { pollsUntilReady: 0 } });
const settings: Record<string, string> = { ...stack.environment };
after(() => documentOf('schedule delete', settings).finally(() => stack.close()));

const applied = () => documentOf<{ action: string; changed: string[] }>('schedule apply', settings);
const shown = () => documentOf<Schedule>('schedule show', settings);

test('apply creates one schedule, tells what changes, and leaves a paused one paused', async () => {
  await assert.rejects(shown(), /There is no schedule/);
  assert.equal((await applied()).action, 'created');
  assert.equal((await applied()).action, 'unchanged');
  await documentOf('schedule pause --note holidays', settings);
  Object.assign(settings, { SCHEDULE_TIME: '06:30', SCHEDULE_TIME_ZONE: 'Europe/Moscow' });
  const { action, changed } = await applied();
  assert.equal(action, 'updated');
  assert.deepEqual(changed, ['time: "05:00" → "06:30"', 'time_zone: "UTC" → "Europe/Moscow"']);
  const { paused, note, overlap, pause_on_failure, catchup_window, next } = await shown();
  assert.deepEqual([paused, note], [true, 'holidays']);
  assert.deepEqual([overlap, pause_on_failure, catchup_window], ['BUFFER_ALL', false, '30d']);
  assert.ok(next.length > 0);
});

test('missed days are made up for: each is loaded once, under the day it was due for', async () => {
  // What the server does after an outage, and what the UI's own schedule backfill does.
  const days = ['2024-05-01', '2024-05-02'];
  for (const day of days) stack.deliveries.set(day, [{ uniq_id: day }]);
  await stack.client.schedule.getHandle(`${stack.taskQueue}-daily`).backfill({
    start: new Date('2024-05-02T00:00:00Z'),
    end: new Date('2024-05-03T23:00:00Z'),
    overlap: 'BUFFER_ALL',
  });
  await until('both days are loaded', async () => {
    const loaded = await stack.rows("select load_date from staging.day_load where outcome = 'loaded'");
    return loaded.length === days.length;
  });
  assert.deepEqual(
    await stack.rows('select uniq_id from mart.f_sales order by load_date'),
    days.map((uniq_id) => ({ uniq_id })),
  );
});

test('schedule, backfill and run of one date at the same moment: yesterday in the zone of the schedule is loaded, and all of them end well', async () => {
  const yesterday = addDays(dayOf(new Date(), 'Europe/Moscow'), -1);
  stack.deliveries.set(yesterday, [{ uniq_id: 'once' }, { uniq_id: 'once' }]);
  stack.api.setReady({ pollsUntilReady: Infinity });
  const before = callsOf(stack, 'storage', 'user_order_log_inc').length;
  const { recent } = await shown();
  const started = Promise.all([
    documentOf('schedule trigger', settings),
    documentOf(`backfill --from ${yesterday} --to ${yesterday}`, settings),
    documentOf(`run --date ${yesterday}`, settings),
  ]);
  // However slow the machine: none of the three has a report before all of them run.
  await until('all three run', async () => {
    const query = `TaskQueue = '${stack.taskQueue}' AND ExecutionStatus = 'Running'`;
    const { count } = await stack.client.workflow.count(query);
    return count >= 3;
  });
  stack.api.setReady({ pollsUntilReady: 0 });
  await started;
  const triggered = (await shown()).recent.at(-1);
  assert.ok(triggered && triggered.workflow_id !== recent.at(-1)?.workflow_id);
  const scheduled = stack.client.workflow.getHandle(triggered.workflow_id);
  assert.equal(((await scheduled.result()) as DayResult).date, yesterday);
  // The backfill asks for its report first: its day may come to the date when the others have ended, and reloads it.
  const downloads = callsOf(stack, 'storage', 'user_order_log_inc').length - before;
  assert.ok(downloads <= 2, `${downloads} downloads`);
  assert.equal((await stack.rows("select from mart.f_sales where uniq_id = 'once'")).length, 1);
  const closed = stack.client.workflow.list({
    query: `TaskQueue = '${stack.taskQueue}' AND ExecutionStatus = 'Failed'`,
  });
  for await (const { workflowId } of closed) assert.fail(`${workflowId} has failed`);
});
