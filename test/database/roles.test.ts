import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { createPool } from '../../database/pool.ts';
import { Database } from '../../database/database.ts';
import { forgetCustomers } from '../../database/forget.ts';
import { grant } from '../../database/grant.ts';
import { Landing } from '../../pipeline/extract/landing.ts';
import { doHousekeeping } from '../../worker/housekeeping.ts';
import { asAdmin, createTestDatabase } from '../support/database.ts';
import { lines, Loader } from './support.ts';

const db = await createTestDatabase();
const suffix = randomBytes(4).toString('hex');
const worker = `worker_${suffix}`;
const analyst = `analyst_${suffix}`;
const reader = `reader_${suffix}`;
const roles = [worker, analyst, reader];

for (const role of roles) await asAdmin(`create role ${role} login password 'x'`);
after(async () => {
  await db.drop();
  for (const role of roles) await asAdmin(`drop role ${role}`);
});

function poolOf(role: string) {
  const url = new URL(db.url);
  url.username = role;
  url.password = 'x';
  return createPool({
    connectionString: url.href,
    applicationName: 'test',
    maxConnections: 2,
    onIdleError: () => undefined,
  });
}

test('the role of sql/roles/worker.sql loads a day and prunes, and can neither change the schema nor who is forgotten', async () => {
  await grant(db.database, { worker, analyst: undefined });
  const pool = poolOf(worker);
  const loader = new Loader(new Database(pool));
  try {
    const staged = await loader.load('2024-02-25', [{ uniq_id: 'a' }, { uniq_id: '' }]);
    assert.equal(staged.counts.rows_kept, 1);
    assert.deepEqual(await lines(pool, 'select uniq_id from mart.f_sales'), ['a']);
    const landing = new Landing(path.join(tmpdir(), 'absent'));
    const housekeeping = { landing, landingRetentionMs: 1, rejectedRetentionMs: 0 };
    await doHousekeeping({ database: new Database(pool), ...housekeeping, intervalMs: 1 });
    assert.deepEqual(await lines(pool, 'select from staging.rejected_row'), []);
    assert.deepEqual(await lines(pool, 'select directory from staging.landing'), [landing.root]);
    const forget = forgetCustomers(new Database(pool), ['1'], {}, () => undefined);
    await assert.rejects(
      forget,
      /permission denied for table forgotten_customer \(42501\)\. .*deployment\.md/,
    );
    assert.deepEqual(await lines(pool, 'select first_name from mart.d_customer'), ['Анна']);
    for (const statement of [
      'delete from staging.forgotten_customer',
      'drop table mart.f_sales',
      'create table mart.x ()',
      'delete from staging.schema_migration',
    ]) {
      await assert.rejects(pool.query(statement), /permission denied|must be owner/, statement);
    }
  } finally {
    await pool.end();
  }
});

test('the role of sql/roles/analyst.sql reads the mart and the audit, and nothing else', async () => {
  await grant(db.database, { worker: undefined, analyst });
  const pool = poolOf(analyst);
  try {
    assert.deepEqual(await lines(pool, 'select count(*) from mart.f_customer_retention'), ['1']);
    assert.deepEqual(await lines(pool, 'select file from staging.file_load'), ['user_order_log_inc']);
    for (const statement of [
      'select raw from staging.rejected_row',
      'delete from mart.f_sales',
      'select * from staging.user_order_log',
      'select * from staging.forgotten_customer',
    ]) {
      await assert.rejects(pool.query(statement), /permission denied/, statement);
    }
  } finally {
    await pool.end();
  }
});

test('usage on the schema and select on the tables and views of the contract are enough to read, at any moment', async () => {
  const views = ['f_customer_retention', 'f_customer_retention_by_item'];
  const names = ['d_calendar', 'd_city', 'd_item', 'd_customer', 'f_sales', ...views];
  await db.pool.query(`grant usage on schema mart to ${reader};
    grant select on ${names.map((name) => `mart.${name}`).join(', ')} to ${reader}`);
  const pool = poolOf(reader);
  const loader = new Loader(db.database);
  const read = async () =>
    await Promise.all(
      views.map((view) => lines(pool, `select period_id, new_customers_revenue from mart.${view}`)),
    );
  try {
    await loader.load('2024-02-26', [{ uniq_id: 'b', payment_amount: 5, date_time: '2024-03-20' }]);
    assert.ok((await read()).every((rows) => rows.includes('202412 | 5.00')));
    await db.pool.query(`update mart.f_sales set payment_amount = 7 where uniq_id = 'b'`);
    assert.ok((await read()).every((rows) => rows.includes('202412 | 7.00')));
  } finally {
    await pool.end();
  }
});
