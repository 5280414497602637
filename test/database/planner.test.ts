import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { asAdmin, createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { lines, Loader } from './support.ts';

/**
 * A date that is newer than the planner's statistics counts as one row. A plan made for one row that then meets
 * 10,000 compares 100 million pairs: f_sales took minutes for the second load of such a date. Autovacuum is off here,
 * and would not help in time there: a new day is far less than the tenth of a table that it waits for.
 */
const ROWS = 10_000;
/** That one node of a plan may handle: some 2 times as many as the day has as a rule. */
const MAX_ROWS = 20 * ROWS;

interface Plan {
  'Node Type': string;
  /** Of one loop. */
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Join Filter'?: number;
  Plans?: Plan[];
}

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);
/** Of every statement since they were last looked at: the greatest number of rows that a node has handled. */
let handled: { rows: number; statement: string }[] = [];

before(async () => {
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': 0,
    'auto_explain.log_analyze': true,
    'auto_explain.log_timing': false,
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'notice',
  };
  const database = new URL(db.url).pathname.slice(1);
  for (const [name, value] of Object.entries(settings))
    await asAdmin(`alter database ${database} set ${name} = '${value}'`);
  db.pool.on('connect', (client) => {
    client.on('notice', ({ message }) => {
      const json = /plan:\n([^]*)/.exec(message ?? '')?.[1];
      if (json === undefined) return;
      const explained = JSON.parse(json) as { 'Query Text': string; Plan: Plan };
      handled.push({ rows: mostRows(explained.Plan), statement: explained['Query Text'] });
    });
  });
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
  ['the first time', '2024-03-01', ordersOf('x', ROWS)],
  ['the same again', '2024-03-01', ordersOf('x', ROWS)],
  ['every row changed', '2024-03-01', ordersOf('x', ROWS, 2)],
  ['its orders delivered under another date as well', '2024-03-02', ordersOf('x', ROWS, 3)],
  ['all withdrawn from that date, back to the former delivery', '2024-03-02', ordersOf('y', ROWS)],
  ['all replaced by others, vanished', '2024-03-02', ordersOf('z', ROWS)],
  ['nothing left of it', '2024-03-02', []],
];

test('no load of a large new day falls into a nested loop', async () => {
  for (const [name, day, orders] of LOADS) {
    handled = [];
    await loader.load(day, orders);
    assert.ok(handled.length > 10, `${name}: ${handled.length} plans`);
    for (const { rows, statement } of handled)
      assert.ok(rows < MAX_ROWS, `${name}: a node of its plan has handled ${rows} rows: ${statement}`);
  }
  assert.deepEqual(
    await lines(db.pool, `select quantity, count(*) from mart.f_sales where uniq_id like 'x%' group by 1`),
    [`2 | ${ROWS}`],
  );
});

function mostRows(plan: Plan): number {
  const rows = (plan['Actual Rows'] + (plan['Rows Removed by Join Filter'] ?? 0)) * plan['Actual Loops'];
  return Math.max(rows, ...(plan.Plans ?? []).map(mostRows));
}
