import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createPool } from '../../database/pool.ts';
import { Database } from '../../database/database.ts';
import { sql } from '../../database/sql.ts';
import { asAdmin, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { lines, Loader } from './support.ts';

let db: TestDatabase;
const suffix = randomBytes(4).toString('hex');
const worker = `worker_${suffix}`;
const analyst = `analyst_${suffix}`;

before(async () => {
  db = await createTestDatabase();
  for (const role of [worker, analyst]) await asAdmin(`create role ${role} login password 'x'`);
});
after(async () => {
  await db.drop();
  for (const role of [worker, analyst]) await asAdmin(`drop role ${role}`);
});

/** As psql does: its variable, and \gexec, which runs what a statement gives. */
async function grant(script: string, role: string): Promise<void> {
  const text = sql(`roles/${script}`)
    .replaceAll(/^--.*$/gm, '')
    .replaceAll(':"role"', `"${role}"`)
    .replaceAll(":'role'", `'${role}'`);
  for (const statement of text.split(/;\n/)) {
    const [made, rest] = statement.includes('\\gexec') ? statement.split('\\gexec') : [undefined, statement];
    if (made !== undefined) for (const line of await lines(db.pool, made)) await db.pool.query(line);
    if (rest.trim()) await db.pool.query(rest);
  }
}

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

test('the role of sql/roles/worker.sql loads a day, and cannot change the schema', async () => {
  await grant('worker', worker);
  const pool = poolOf(worker);
  const loader = await Loader.create(new Database(pool));
  try {
    const staged = await loader.load('2024-02-25', [{ uniq_id: 'a' }, { uniq_id: '' }]);
    assert.equal(staged.counts.rows_kept, 1);
    assert.deepEqual(await lines(pool, 'select uniq_id from mart.f_sales'), ['a']);
    for (const statement of [
      'drop table mart.f_sales',
      'create table mart.x ()',
      'delete from staging.schema_migration',
    ]) {
      await assert.rejects(pool.query(statement), /permission denied|must be owner/, statement);
    }
  } finally {
    await loader.close();
    await pool.end();
  }
});

test('the role of sql/roles/analyst.sql reads the mart and the audit, and nothing else', async () => {
  await grant('analyst', analyst);
  const pool = poolOf(analyst);
  try {
    assert.deepEqual(await lines(pool, 'select count(*) from mart.f_customer_retention'), ['1']);
    assert.deepEqual(await lines(pool, 'select file from staging.file_load'), ['user_order_log_inc']);
    for (const statement of [
      'select * from staging.rejected_row',
      'delete from mart.f_sales',
      'select * from staging.user_order_log',
    ]) {
      await assert.rejects(pool.query(statement), /permission denied/, statement);
    }
  } finally {
    await pool.end();
  }
});
