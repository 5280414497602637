import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database } from '../../database/database.ts';
import { addDays } from '../../domain/load-date.ts';
import { asAdmin, databaseFor, poolTo, variable } from '../support/database.ts';
import { lines, Loader } from './support.ts';

const COUNT = `select count(*) from pg_stat_statements
  where dbid = (select oid from pg_database where datname = $1)`;

/** Of a PostgreSQL that others share (contract, ruling 53). */
test('days leave no entry in pg_stat_statements that the first ones have not left', async (t) => {
  const db = await databaseFor(t);
  const name = new URL(db.url).pathname.slice(1);
  await asAdmin(`alter database ${name} set pg_stat_statements.track = 'top'`);
  await asAdmin('create extension if not exists pg_stat_statements');
  const admin = poolTo(variable('TEST_POSTGRES_URL'));
  const pool = poolTo(db.url, { applicationName: 'sales-increment worker' });
  const loader = new Loader(new Database(pool));
  const entries: number[] = [];
  for (let day = 0; day < 6; day += 1) {
    const loadDate = addDays('2024-02-25', day);
    await loader.load(loadDate, [
      { uniq_id: 'each day', date_time: loadDate },
      { uniq_id: `day ${day}`, date_time: loadDate, customer_id: day },
    ]);
    entries.push(Number(await lines(admin, COUNT, [name])));
  }
  await Promise.all([pool.end(), admin.end()]);
  const [first = 0, ...later] = entries;
  assert.ok(first > 10, 'it counts');
  assert.deepEqual(later, Array(5).fill(later[0]), 'after each day');
});
