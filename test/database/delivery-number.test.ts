import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Database } from '../../database/database.ts';
import { migrate } from '../../database/migrate.ts';
import { createPool } from '../../database/pool.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { asAdmin, createTestDatabase } from '../support/database.ts';
import { lines, Loader } from './support.ts';

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);

/** As in a subscriber of logical replication, or after a copy of the data alone. */
const setBack = () => db.pool.query(`select setval('staging.delivery_number', 1, false)`);
const next = () => nextDeliveryNumber(db.database);

test('numbers grow by one', async () => {
  assert.deepEqual([await next(), await next(), await next()], [1, 2, 3]);
});

test('a sequence that was left behind never numbers a download below what is staged', async () => {
  for (let day = 1; day <= 9; day += 1) await loader.load(`2024-03-0${day}`, [{ uniq_id: 'a', quantity: 1 }]);
  await setBack();
  const staged = await loader.load('2024-03-09', [{ uniq_id: 'a', quantity: 2 }]);
  assert.equal(staged.superseded, false);
  assert.deepEqual(await lines(db.pool, 'select quantity from mart.f_sales'), ['2']);
  const newest = Number((await lines(db.pool, 'select max(delivery_number) from staging.file_load'))[0]);
  assert.equal(await next(), newest + 1);
});

test('a sequence that was left behind never issues a number below a recorded outcome', async () => {
  await db.pool
    .query(`insert into staging.day_load (load_date, outcome, number, workflow_id, run_id, started_at, finished_at)
    values ('2024-04-01', 'no_increment', 500, 'test', 'test', now(), now())`);
  assert.equal(await next(), 501);
});

test('however many sessions draw at once, each has a number of its own', async () => {
  for (let round = 0; round < 20; round += 1) {
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
  const pool = createPool({
    connectionString: db.url,
    applicationName: 'test',
    maxConnections: 1,
    onIdleError: () => undefined,
  });
  try {
    assert.equal(await nextDeliveryNumber(new Database(pool)), 123_457);
  } finally {
    await pool.end();
    await asAdmin(`alter database ${name} reset all`);
  }
});

test('migrate puts the sequence right', async () => {
  await setBack();
  await migrate(db.pool);
  const [number] = await lines(db.pool, `select nextval('staging.delivery_number')`);
  assert.ok(Number(number) > 500, number);
});
