import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { lines, Loader } from './support.ts';

let db: TestDatabase;
let loader: Loader;
before(async () => {
  db = await createTestDatabase();
  loader = await Loader.create(db.database);
});
after(async () => {
  await loader.close();
  await db.drop();
});

const VIEWS = ['f_customer_retention', 'f_customer_retention_by_item'];

/** What readers are told is what the definition says. */
async function assertExact(): Promise<void> {
  for (const view of VIEWS) {
    const told = await lines(db.pool, `select * from mart.${view}`);
    const defined = await lines(db.pool, `select * from mart.${view}_definition`);
    assert.deepEqual(told.toSorted(), defined.toSorted(), view);
  }
}

const stale = () => lines(db.pool, 'select period_id from mart.retention_stale_week order by 1');

test('a load leaves no week stale, and computes only the weeks that it touches', async () => {
  await loader.load('2024-02-25', [
    { uniq_id: 'a', date_time: '2024-02-25T00:00:00', customer_id: 1 },
    { uniq_id: 'b', date_time: '2024-03-01T00:00:00', customer_id: 1 },
  ]);
  assert.deepEqual(await stale(), []);
  await assertExact();
  await db.pool.query('update mart.retention_week set new_customers_count = 77 where period_id = 202408');
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
