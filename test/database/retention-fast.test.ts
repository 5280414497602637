import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { retention, retentionByItem, type Fact } from './model.ts';
import { lines, Loader, tables } from './support.ts';

let db: TestDatabase;
let loader: Loader;
before(async () => {
  db = await createTestDatabase();
  loader = new Loader(db.database);
});
after(async () => {
  await db.drop();
});

/** The views give what a naive reading of the contract makes of the facts. */
async function assertExact(): Promise<void> {
  const { rows } = await db.pool.query<Fact>(
    `select uniq_id as "uniqId", status, to_date(date_id::text, 'YYYYMMDD')::text as date, item_id::integer as "itemId",
       customer_id::integer as "customerId", (payment_amount * 100)::integer as cents
     from mart.f_sales`,
  );
  const found = await tables(db.pool, ['f_customer_retention', 'f_customer_retention_by_item']);
  assert.deepEqual(found['f_customer_retention']?.toSorted(), retention(rows).toSorted());
  assert.deepEqual(found['f_customer_retention_by_item']?.toSorted(), retentionByItem(rows).toSorted());
}

const stale = () => lines(db.pool, 'select period_id from mart.retention_stale_week order by 1');

test('a load leaves no week stale, and computes only the weeks that it touches', async () => {
  await loader.load('2024-02-25', [
    { uniq_id: 'a', date_time: '2024-02-25T00:00:00', customer_id: 1 },
    { uniq_id: 'b', date_time: '2024-03-01T00:00:00', customer_id: 1 },
  ]);
  assert.deepEqual(await stale(), []);
  await assertExact();
  await db.pool.query(
    'update mart.retention_week_item set customers_by_first_item = 77 where period_id = 202408',
  );
  await loader.load('2024-03-02', [{ uniq_id: 'c', date_time: '2024-03-02T00:00:00', customer_id: 1 }]);
  const counts =
    'select period_id, new_customers_count, returning_customers_count from mart.f_customer_retention order by 1';
  assert.deepEqual(await lines(db.pool, counts), ['202408 | 77 | 0', '202409 | 0 | 1']);
});

test('facts that anybody changes by hand are seen at once', async () => {
  await db.pool.query("update mart.f_sales set date_id = 20240320 where uniq_id = 'a'");
  assert.deepEqual(await stale(), ['202408', '202412']);
  await assertExact();
  await db.pool.query("delete from mart.f_sales where uniq_id = 'b'");
  await db.pool.query(`insert into mart.f_sales
    values ('x', 'refunded', 20240321, 1, 9, 1, 1, -5, '2024-03-21', false)`);
  await assertExact();
  await loader.load('2024-03-22', [{ uniq_id: 'd', date_time: '2024-03-22T00:00:00' }]);
  assert.deepEqual(await stale(), []);
  await assertExact();
  await db.pool.query('truncate mart.f_sales');
  await assertExact();
});

test('a change by hand while a load is under way is seen, whichever commits first', async () => {
  await loader.load('2024-03-25', [
    { uniq_id: 'e', date_time: '2024-03-25T00:00:00', customer_id: 1 },
    { uniq_id: 'f', date_time: '2024-03-25T00:00:00', customer_id: 2 },
  ]);
  const byHand = await db.pool.connect();
  try {
    for (const [day, isStale] of [
      ['2024-03-26', false],
      ['2024-03-27', true],
    ] as const) {
      // A week that is marked already: the load is about to take the mark away.
      if (isStale) await db.pool.query(`update mart.f_sales set payment_amount = 1 where uniq_id = 'e'`);
      await byHand.query('begin');
      await byHand.query(`update mart.f_sales set payment_amount = payment_amount + 3 where uniq_id = 'f'`);
      const load = loader.load(day, [{ uniq_id: day, date_time: `${day}T00:00:00`, customer_id: 2 }]);
      // Long enough for the load to come to where it waits, if it waits.
      await Promise.race([load, setTimeout(1_000)]);
      await byHand.query('commit');
      await load;
      await assertExact();
    }
    await loader.load('2024-03-28', [{ uniq_id: 'g', date_time: '2024-03-28T00:00:00', customer_id: 1 }]);
    assert.deepEqual(await stale(), []);
    await assertExact();
  } finally {
    byHand.release();
  }
});
