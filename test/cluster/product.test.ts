import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { FEEDS } from '../../domain/feeds.ts';
import { addDays, dayOf } from '../../domain/load-date.ts';
import { until } from '../client/harness.ts';
import { dump } from '../support/dump.ts';
import { NAMESPACE, secondsSince, World, type Shop } from './world.ts';

/** The tests build on each other, like the days of an installation. */
const LIMIT = { timeout: 120_000 };
const DAY = '2024-03-05';
const SEARCH_ATTRIBUTES = ['SalesLoadDate', 'SalesOutcome', 'SalesRunKind'];

let world: World;
let shop: Shop;
before(async () => {
  world = await World.start('temporal_product');
  shop = await world.shop('sales-increment', { emptyDatabase: true });
});
after(() => world.close());

async function count(query: string): Promise<number> {
  return (await world.client.workflow.count(query)).count;
}

test('search attributes and schema: made once, safe to repeat', LIMIT, async (t) => {
  const first = await shop.run<{ added: string[] }>('search-attributes');
  assert.deepEqual(first.added, SEARCH_ATTRIBUTES);
  const started = performance.now();
  await until(
    'the search attributes can be asked for',
    async () => {
      try {
        return (await count(SEARCH_ATTRIBUTES.map((name) => `${name} is null`).join(' and '))) >= 0;
      } catch (error) {
        if (/search attribute/i.test(messageAndCause(error))) return false;
        throw error;
      }
    },
    60_000,
  );
  t.diagnostic(`queries knew them ${secondsSince(started)} later`);
  assert.deepEqual((await shop.run<{ added: string[] }>('search-attributes')).added, []);
  const { applied } = await shop.run<{ applied: unknown[] }>('migrate');
  assert.ok(applied.length > 0);
  assert.deepEqual((await shop.run<{ applied: unknown[] }>('migrate')).applied, []);
});

test('run loads a day, and status shows it', LIMIT, async (t) => {
  await shop.startWorker('one');
  const started = performance.now();
  const run = await shop.run<{ outcome: string; error: null; files: Record<string, { rows_kept: number }> }>(
    'run',
    '--date',
    DAY,
  );
  t.diagnostic(`one day by one worker, with the start of the client: ${secondsSince(started)}`);
  assert.equal(run.outcome, 'loaded');
  assert.equal(run.error, null);
  assert.equal(Object.keys(run.files).length, FEEDS.length);
  assert.ok((run.files.user_order_log_inc?.rows_kept ?? 0) >= 160);
  const { days } = await shop.run<{ days: { date: string; state: string }[] }>(
    ...['status', '--from', addDays(DAY, -1), '--to', DAY],
  );
  assert.deepEqual(
    days.map(({ date, state }) => [date, state]),
    [
      [addDays(DAY, -1), 'missing'],
      [DAY, 'loaded'],
    ],
  );
});

test('schedule: apply, trigger, and the day of yesterday is loaded', LIMIT, async (t) => {
  const yesterday = addDays(dayOf(new Date(), 'UTC'), -1);
  const started = performance.now();
  assert.equal((await shop.run<{ action: string }>('schedule', 'apply')).action, 'created');
  t.diagnostic(`apply: ${secondsSince(started)}`);
  assert.equal((await shop.run<{ action: string }>('schedule', 'apply')).action, 'unchanged');
  await shop.run('schedule', 'trigger');
  await until(
    'yesterday is loaded',
    async () => (await shop.loadedDays()).some((day) => day >= yesterday),
    60_000,
  );
  interface Shown {
    paused: boolean;
    runs: number;
    running: string[];
    missed: number;
    next: unknown[];
    recent: { workflow_id: string; load_date: string }[];
  }
  let shown: Shown | undefined;
  await until('the scheduled run has ended', async () => {
    shown = await shop.run<Shown>('schedule', 'show');
    return shown.running.length === 0 && shown.runs > 0;
  });
  assert.equal(shown?.paused, false);
  assert.equal(shown.runs, 1);
  assert.equal(shown.missed, 0);
  assert.ok(shown.next.length > 0);
  assert.match(shown.recent[0]?.workflow_id ?? '', /^sales-increment-daily-run-/);
  assert.equal((await shop.run<{ deleted: boolean }>('schedule', 'delete')).deleted, true);
});

test('visibility: workflows are found by load date, outcome and kind of run', LIMIT, async () => {
  const ids = async (query: string) => {
    const found: string[] = [];
    for await (const { workflowId } of world.client.workflow.list({ query })) found.push(workflowId);
    return found;
  };
  const byDate = `SalesLoadDate = '${DAY}' and ExecutionStatus = 'Completed'`;
  await until('the day is found', async () => (await ids(byDate)).length > 0);
  assert.deepEqual(await ids(byDate), [`sales-increment-${DAY}`]);
  assert.deepEqual(await ids(`${byDate} and SalesOutcome = 'loaded' and SalesRunKind = 'run'`), [
    `sales-increment-${DAY}`,
  ]);
  assert.equal(await count(`SalesLoadDate = '${addDays(DAY, -1)}'`), 0);
  await until('the scheduled run is found', async () => (await count("SalesRunKind = 'schedule'")) === 1);
  assert.equal(await count("SalesLoadDate between '2024-01-01' and '2024-12-31'"), 1);
});

test('a reset of a finished day ends in the same mart', LIMIT, async () => {
  const workflowId = `sales-increment-${DAY}`;
  const handle = world.client.workflow.getHandle(workflowId);
  const { runId } = await handle.describe();
  const expected = await dump(shop.db.pool);
  const { events } = await handle.fetchHistory();
  const points = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
  const middle = points[Math.floor(points.length / 2)]?.eventId;
  assert.ok(points.length >= 12 && middle, `${points.length} points`);
  const reset = await world.client.workflowService.resetWorkflowExecution({
    namespace: NAMESPACE,
    workflowExecution: { workflowId, runId },
    reason: 'a test',
    workflowTaskFinishEventId: middle,
    requestId: randomUUID(),
  });
  const result: unknown = await world.client.workflow.getHandle(workflowId, reset.runId).result();
  assert.equal((result as { outcome: string }).outcome, 'loaded');
  assert.equal(await dump(shop.db.pool), expected);
  const { rows } = await shop.db.pool.query<{ run_id: string }>(
    'select distinct run_id from staging.day_load where load_date = $1',
    [DAY],
  );
  assert.deepEqual(rows, [{ run_id: reset.runId }], 'the new run has loaded the day');
});

function messageAndCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} ${messageAndCause(error.cause)}`;
}
