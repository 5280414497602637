import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type pg from 'pg';
import { Database } from '../../database/database.ts';
import { forgetCustomers } from '../../database/forget.ts';
import { grant } from '../../database/grant.ts';
import { Landing } from '../../pipeline/extract/landing.ts';
import { doHousekeeping } from '../../worker/housekeeping.ts';
import { asAdmin, createTestDatabase, poolTo, urlAs } from '../support/database.ts';
import { lines, Loader, VIEWS } from './support.ts';

const db = await createTestDatabase();
const suffix = randomBytes(4).toString('hex');
const worker = `worker_${suffix}`;
const analyst = `analyst_${suffix}`;
const reader = `reader_${suffix}`;
const roles = [worker, analyst, reader];
const pools: pg.Pool[] = [];

for (const role of roles) await asAdmin(`create role ${role} login password 'x'`);
after(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await db.drop();
  for (const role of roles) await asAdmin(`drop role ${role}`);
});

/** Connections of a role; they end with the file. */
function poolOf(role: string) {
  const pool = poolTo(urlAs(role, db.url));
  pools.push(pool);
  return pool;
}

test('the role of sql/roles/worker.sql loads a day and prunes, and can neither change the schema nor who is forgotten', async () => {
  await grant(db.database, { worker, analyst: undefined });
  const pool = poolOf(worker);
  const loader = new Loader(new Database(pool));
  const staged = await loader.load('2024-02-25', [{ uniq_id: 'a' }, { uniq_id: '' }]);
  assert.equal(staged.counts.rows_kept, 1);
  assert.deepEqual(await lines(pool, 'select uniq_id from mart.f_sales'), ['a']);
  const landing = new Landing(path.join(tmpdir(), 'absent'));
  const housekeeping = { landing, landingRetentionMs: 1, rejectedRetentionMs: 0 };
  await doHousekeeping({ database: new Database(pool), ...housekeeping, intervalMs: 1 });
  assert.deepEqual(await lines(pool, 'select from staging.rejected_row'), []);
  assert.deepEqual(await lines(pool, 'select directory from staging.landing'), [landing.root]);
  const forget = forgetCustomers(new Database(pool), ['1'], {}, () => undefined);
  await assert.rejects(forget, /permission denied for table forgotten_customer \(42501\)\. .*deployment\.md/);
  assert.deepEqual(await lines(pool, 'select first_name from mart.d_customer'), ['Анна']);
  await assertDenied(pool, [
    'delete from staging.forgotten_customer',
    'drop table mart.f_sales',
    'create table mart.x ()',
    'delete from staging.schema_migration',
  ]);
});

test('the role of sql/roles/analyst.sql reads the mart and the audit, and nothing else', async () => {
  await grant(db.database, { worker: undefined, analyst });
  const pool = poolOf(analyst);
  assert.deepEqual(await lines(pool, 'select count(*) from mart.f_customer_retention'), ['1']);
  assert.deepEqual(await lines(pool, 'select file from staging.file_load'), ['user_order_log_inc']);
  await assertDenied(pool, [
    'select raw from staging.rejected_row',
    'delete from mart.f_sales',
    'select * from staging.user_order_log',
    'select * from staging.forgotten_customer',
  ]);
});

test('usage on the schema and select on the tables and views of the contract are enough to read, at any moment', async () => {
  const names = ['d_calendar', 'd_city', 'd_item', 'd_customer', 'f_sales', ...VIEWS];
  await db.pool.query(`grant usage on schema mart to ${reader};
    grant select on ${names.map((name) => `mart.${name}`).join(', ')} to ${reader}`);
  const pool = poolOf(reader);
  const assertRead = async (row: string) => {
    for (const view of VIEWS)
      assert.ok(
        (await lines(pool, `select period_id, new_customers_revenue from mart.${view}`)).includes(row),
      );
  };
  await new Loader(db.database).load('2024-02-26', [
    { uniq_id: 'b', payment_amount: 5, date_time: '2024-03-20' },
  ]);
  await assertRead('202412 | 5.00');
  await db.pool.query(`update mart.f_sales set payment_amount = 7 where uniq_id = 'b'`);
  await assertRead('202412 | 7.00');
});

async function assertDenied(pool: pg.Pool, statements: string[]): Promise<void> {
  for (const statement of statements)
    await assert.rejects(pool.query(statement), /permission denied|must be owner/, statement);
}
