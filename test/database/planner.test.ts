import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { lines, Loader } from './support.ts';

/**
 * A date that is newer than the planner's statistics counts as one row. A plan made for one row that then meets
 * 10,000 compares 100 million pairs: f_sales took minutes for the second load of such a date. Autovacuum is off here,
 * and would not help in time there: a new day is far less than the tenth of a table that it waits for.
 */
const ROWS = 10_000;
/** Against the first load of the large day, which is measured on the same machine: 0.5 to 2 times as a rule. */
const MAX_RATIO = 8;

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);

before(async () => {
  for (const table of [
    'staging.user_order_log',
    'staging.user_activity_log',
    'staging.price_log',
    'mart.f_sales',
  ]) {
    await db.pool.query(`alter table ${table} set (autovacuum_enabled = off)`);
  }
  for (const day of ['2024-02-01', '2024-02-02', '2024-02-03']) await loader.load(day, ordersOf(day, 160));
  await loader.stage('2024-02-01', activity('a', 160), { feed: 'user_activity_log' });
  await loader.stage('2024-02-01', prices('a', 160), { feed: 'price_log' });
  await db.pool.query('analyze');
});

function ordersOf(prefix: string, count: number, quantity = 1): Order[] {
  return Array.from({ length: count }, (_, index) => ({
    uniq_id: `${prefix} ${index}`,
    customer_id: index,
    item_id: index % 50,
    city_id: index % 100,
    quantity,
  }));
}

function activity(prefix: string, count: number): string {
  const rows = Array.from(
    { length: count },
    (_, index) => `${index},${prefix} ${index},2024-03-01,1,${index},1`,
  );
  return ['id,uniq_id,date_time,action_id,customer_id,quantity', ...rows, ''].join('\n');
}

function prices(prefix: string, count: number): string {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index},1\n`).join('');
}

const LOADS: [string, string, Order[]][] = [
  ['the same again', '2024-03-01', ordersOf('x', ROWS)],
  ['every row changed', '2024-03-01', ordersOf('x', ROWS, 2)],
  ['its orders delivered under another date as well', '2024-03-02', ordersOf('x', ROWS, 3)],
  ['all withdrawn from that date, back to the former delivery', '2024-03-02', ordersOf('y', ROWS)],
  ['all replaced by others, vanished', '2024-03-02', ordersOf('z', ROWS)],
  ['nothing left of it', '2024-03-02', []],
];

test('no load of a large new day falls into a nested loop', async (t) => {
  const first = await timeOf(() => loader.load('2024-03-01', ordersOf('x', ROWS)));
  for (const [name, day, orders] of LOADS) {
    await t.test(name, { timeout: 120_000 }, async () => {
      assertUsual(await timeOf(() => loader.load(day, orders)), first);
    });
  }
  assert.deepEqual(
    await lines(db.pool, `select quantity, count(*) from mart.f_sales where uniq_id like 'x%' group by 1`),
    [`2 | ${ROWS}`],
  );
});

test('no load of another large file falls into a nested loop', async () => {
  const stage = async (prefix: string) => {
    await loader.stage('2024-03-01', activity(prefix, ROWS), { feed: 'user_activity_log' });
    await loader.stage('2024-03-01', prices(prefix, ROWS), { feed: 'price_log' });
  };
  const first = await timeOf(() => stage('x'));
  for (const prefix of ['x', 'y']) assertUsual(await timeOf(() => stage(prefix)), first);
});

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function assertUsual(milliseconds: number, first: number): void {
  assert.ok(
    milliseconds < MAX_RATIO * first,
    `${Math.round(milliseconds)} ms, where the first load took ${Math.round(first)} ms`,
  );
}
