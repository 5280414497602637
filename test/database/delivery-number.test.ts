import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Database } from '../../database/database.ts';
import { migrate } from '../../database/migrate.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { asAdmin, createTestDatabase, poolTo } from '../support/database.ts';
import { lines, Loader } from './support.ts';

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);

/** As in a subscriber of logical replication, or after a copy of the data alone. */
const setBack = () => db.pool.query(`select setval('staging.delivery_number', 1, false)`);
const next = () => nextDeliveryNumber(db.database);

test('a sequence that was left behind never issues a number below what is staged or recorded', async () => {
  for (const day of ['2024-03-08', '2024-03-09']) await loader.load(day, [{ uniq_id: 'a' }]);
  await setBack();
  const staged = await loader.load('2024-03-09', [{ uniq_id: 'a', quantity: 2 }]);
  assert.equal(staged.superseded, false);
  assert.deepEqual(await lines(db.pool, 'select quantity from mart.f_sales'), ['2']);
  const newest = Number((await lines(db.pool, 'select max(delivery_number) from staging.file_load'))[0]);
  assert.equal(await next(), newest + 1);
  await db.pool
    .query(`insert into staging.day_load (load_date, outcome, number, workflow_id, run_id, started_at, finished_at)
    values ('2024-04-01', 'no_increment', 500, 'test', 'test', now(), now())`);
  assert.equal(await next(), 501);
});

test('however many sessions draw at once, each has a number of its own', async () => {
  for (let round = 0; round < 6; round += 1) {
    await setBack();
    const numbers = await Promise.all(Array.from({ length: 10 }, next));
    assert.equal(new Set(numbers).size, numbers.length);
    assert.ok(Math.min(...numbers) > 500, numbers.join());
  }
});

test('a large number keeps its digits, whatever a database or role sets', async () => {
  const [name] = await lines(db.pool, 'select current_database()');
  await asAdmin(`alter database ${name} set extra_float_digits = -15`);
  await db.pool.query(`select setval('staging.delivery_number', 123456)`);
  const pool = poolTo(db.url);
  assert.equal(await nextDeliveryNumber(new Database(pool)), 123_457);
  await pool.end();
  await asAdmin(`alter database ${name} reset all`);
});

test('migrate puts the sequence right', async () => {
  await setBack();
  await migrate(db.pool);
  const [number] = await lines(db.pool, `select nextval('staging.delivery_number')`);
  assert.ok(Number(number) > 500, number);
});
