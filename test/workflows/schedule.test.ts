import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addDays, dayOf } from '../../domain/load-date.ts';
import { client } from '../support/processes.ts';
import { until } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';

let stack: TestStack;
before(async () => {
  stack = await TestStack.start();
});
after(async () => {
  await schedule('delete').finally(() => stack.close());
});

async function schedule(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await client(['schedule', ...args, '--json'], stack.environment);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function loadedDays(): Promise<string[]> {
  const rows = await stack.rows<{ load_date: string }>(
    "select load_date from staging.day_load where outcome = 'loaded' order by load_date",
  );
  return rows.map((row) => row.load_date);
}

test('apply creates one schedule, tells what changes, and leaves a paused one paused', async () => {
  const missing = await client(['schedule', 'show', '--json'], stack.environment);
  assert.equal(missing.code, 1);
  assert.match(missing.stdout, /"error": "There is no schedule/);
  assert.equal((await schedule('apply')).action, 'created');
  assert.equal((await schedule('apply')).action, 'unchanged');
  await schedule('pause', '--note', 'holidays');
  stack.environment.SCHEDULE_TIME = '06:30';
  stack.environment.SCHEDULE_TIME_ZONE = 'Europe/Moscow';
  const updated = await schedule('apply');
  assert.equal(updated.action, 'updated');
  assert.deepEqual(updated.changed, ['time: "05:00" → "06:30"', 'time_zone: "UTC" → "Europe/Moscow"']);
  const shown = await schedule('show');
  assert.equal(shown.paused, true);
  assert.equal(shown.note, 'holidays');
  assert.equal(shown.overlap, 'BUFFER_ALL');
  assert.equal(shown.pause_on_failure, false);
  assert.equal(shown.catchup_window, '30d');
  assert.equal((shown.next as unknown[]).length > 0, true);
});

test('a trigger loads yesterday in the time zone of the schedule', async () => {
  const yesterday = addDays(dayOf(new Date(), 'Europe/Moscow'), -1);
  stack.deliveries.set(yesterday, [{ uniq_id: 'triggered' }]);
  await schedule('trigger');
  await until('yesterday is loaded', async () => (await loadedDays()).includes(yesterday));
});

test('missed days are made up for: each is loaded once, under the day it was due for', async () => {
  // What the server does after an outage, and what the UI's own schedule backfill does.
  for (const day of ['2024-05-01', '2024-05-02']) stack.deliveries.set(day, [{ uniq_id: day }]);
  await stack.client.schedule.getHandle(`${stack.taskQueue}-daily`).backfill({
    start: new Date('2024-05-02T00:00:00Z'),
    end: new Date('2024-05-03T23:00:00Z'),
    overlap: 'BUFFER_ALL',
  });
  await until('both days are loaded', async () => {
    const days = await loadedDays();
    return days.includes('2024-05-01') && days.includes('2024-05-02');
  });
  assert.equal((await loadedDays()).filter((day) => day.startsWith('2024')).length, 2);
});

test('a trigger with a date starts that day', async () => {
  stack.deliveries.set('2024-06-01', [{ uniq_id: 'dated' }]);
  await schedule('trigger', '--date', '2024-06-01');
  await until('the day is loaded', async () => (await loadedDays()).includes('2024-06-01'));
});

test('schedule, backfill and run of one date at the same moment: one day of work, and all of them end well', async () => {
  const yesterday = addDays(dayOf(new Date(), 'Europe/Moscow'), -1);
  stack.deliveries.set(yesterday, [{ uniq_id: 'once' }, { uniq_id: 'once' }]);
  stack.api.setReady({ pollsUntilReady: Infinity });
  const before = stack.api.requests.length;
  const started = Promise.all([
    schedule('trigger'),
    client(['backfill', '--from', yesterday, '--to', yesterday, '--json'], stack.environment),
    client(['run', '--date', yesterday, '--json'], stack.environment),
  ]);
  // However slow the machine: none of the three has a report before all of them run.
  await until('all three run', async () => {
    const query = `TaskQueue = '${stack.taskQueue}' AND ExecutionStatus = 'Running'`;
    const { count } = await stack.client.workflow.count(query);
    return count >= 3;
  });
  stack.api.setReady({ pollsUntilReady: 0 });
  const [, backfill, run] = await started;
  assert.equal(backfill.code, 0, backfill.stderr);
  assert.equal(run.code, 0, run.stderr);
  await until(
    'the scheduled run has ended',
    async () => ((await schedule('show')).running as unknown[]).length === 0,
  );
  const downloads = stack.api.requests
    .slice(before)
    .filter(({ server, path }) => server === 'storage' && path.includes('user_order_log_inc'));
  // The backfill asks for its report first: its day may come to the date when the others have ended, and reloads it.
  assert.ok(downloads.length <= 2, `${downloads.length} downloads`);
  assert.deepEqual(
    await stack.rows("select uniq_id from mart.f_sales where uniq_id in ('once', 'triggered')"),
    [{ uniq_id: 'once' }],
  );
  const closed = stack.client.workflow.list({
    query: `TaskQueue = '${stack.taskQueue}' AND ExecutionStatus = 'Failed'`,
  });
  for await (const { workflowId } of closed) assert.fail(`${workflowId} has failed`);
});
