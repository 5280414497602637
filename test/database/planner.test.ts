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
  for (const table of ['staging.user_order_log', 'mart.f_sales'])
    await db.pool.query(`alter table ${table} set (autovacuum_enabled = off)`);
  for (const day of ['2024-02-01', '2024-02-02', '2024-02-03']) await loader.load(day, ordersOf(day, 160));
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

const LOADS: [string, string, Order[]][] = [
  ['the same again', '2024-03-01', ordersOf('x', ROWS)],
  ['every row changed', '2024-03-01', ordersOf('x', ROWS, 2)],
  ['its orders delivered under another date as well', '2024-03-02', ordersOf('x', ROWS, 3)],
  ['all withdrawn from that date, back to the former delivery', '2024-03-02', ordersOf('y', ROWS)],
  ['all replaced by others, vanished', '2024-03-02', ordersOf('z', ROWS)],
  ['nothing left of it', '2024-03-02', []],
];

test('no load of a large new day falls into a nested loop', async () => {
  const first = await timeOf(ordersOf('x', ROWS), '2024-03-01');
  for (const [name, day, orders] of LOADS) {
    const milliseconds = await timeOf(orders, day);
    assert.ok(
      milliseconds < MAX_RATIO * first,
      `${name}: ${Math.round(milliseconds)} ms, where the first load took ${Math.round(first)} ms`,
    );
  }
  assert.deepEqual(
    await lines(db.pool, `select quantity, count(*) from mart.f_sales where uniq_id like 'x%' group by 1`),
    [`2 | ${ROWS}`],
  );
});

async function timeOf(orders: Order[], day: string): Promise<number> {
  const start = performance.now();
  await loader.load(day, orders);
  return performance.now() - start;
}
