import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type pg from 'pg';
import { distribute } from '../../database/distribute.ts';
import { Database } from '../../database/database.ts';
import { checkSuitable, migrate, migrations, SchemaMismatch } from '../../database/migrate.ts';
import { createPool } from '../../database/pool.ts';
import { DAY_STATE_PARAMETERS } from '../../domain/feeds.ts';
import { openDaysBefore } from '../../pipeline/load/outcome.ts';
import { asAdmin, databaseFor, variable, type TestDatabase } from '../support/database.ts';
import { client, start } from '../support/processes.ts';
import { dump } from '../support/dump.ts';
import { dumpSchema } from './schema-dump.ts';
import { lines, Loader } from './support.ts';

const NAMES = migrations().map(({ name }) => name);
const NEWEST = NAMES.length;

const emptyDatabase = (t: TestContext) => databaseFor(t, { empty: true });

/** A pool as another process has it. */
function anotherPool(db: TestDatabase): pg.Pool {
  return createPool({
    connectionString: db.url,
    applicationName: 'test',
    maxConnections: 1,
    onIdleError: () => undefined,
  });
}

describe('migrate', () => {
  test('twenty processes at once apply each migration once', async (t) => {
    const db = await emptyDatabase(t);
    const pools = Array.from({ length: 20 }, () => anotherPool(db));
    const results = await Promise.all(pools.map((pool) => migrate(pool)));
    await Promise.all(pools.map((pool) => pool.end()));
    assert.deepEqual(results.flatMap(({ applied }) => applied).sort(), NAMES);
    assert.deepEqual(new Set(results.map(({ version }) => version)), new Set([NEWEST]));
    assert.deepEqual(
      await lines(db.pool, 'select version, name from staging.schema_migration order by version'),
      NAMES.map((name, index) => `${index + 1} | ${name}`),
    );
  });

  test('a repeat does nothing', async (t) => {
    const db = await emptyDatabase(t);
    assert.deepEqual(await migrate(db.pool), { version: NEWEST, applied: NAMES });
    const before = await lines(db.pool, 'select xmin, ctid, * from staging.schema_migration');
    assert.deepEqual(await migrate(db.pool), { version: NEWEST, applied: [] });
    assert.deepEqual(await lines(db.pool, 'select xmin, ctid, * from staging.schema_migration'), before);
  });

  test('stops at a version, goes on from there, and never goes back', async (t) => {
    const db = await emptyDatabase(t);
    assert.deepEqual(await migrate(db.pool, 0), { version: 0, applied: [] });
    assert.deepEqual(await migrate(db.pool, 1), { version: 1, applied: NAMES.slice(0, 1) });
    assert.deepEqual(await migrate(db.pool, 1), { version: 1, applied: [] });
    assert.deepEqual(await migrate(db.pool), { version: NEWEST, applied: NAMES.slice(1) });
    assert.deepEqual(await migrate(db.pool, 1), { version: NEWEST, applied: [] });
    assert.deepEqual(await migrate(db.pool, NEWEST + 5), { version: NEWEST, applied: [] });
  });

  test('an unknown newer version is refused with a sentence that says what to do', async (t) => {
    const db = await emptyDatabase(t);
    await migrate(db.pool);
    await db.pool.query(
      `insert into staging.schema_migration (version, name, checksum) values ($1, 'from_the_future', 'x')`,
      [NEWEST + 1],
    );
    const before = await dumpSchema(db.pool);
    await assert.rejects(migrate(db.pool), {
      name: SchemaMismatch.name,
      message:
        `The database has schema version ${NEWEST + 1}, but this release knows only ${NEWEST}. ` +
        'Upgrade this installation; migrations are never reverted.',
    });
    assert.equal(await dumpSchema(db.pool), before);
  });

  test('a migration that was changed after it was applied is refused, before anything newer is applied', async (t) => {
    const db = await emptyDatabase(t);
    await migrate(db.pool, 1);
    await db.pool.query(`update staging.schema_migration set checksum = 'of another text'`);
    await assert.rejects(migrate(db.pool), {
      name: SchemaMismatch.name,
      message:
        `sql/migrations/${NAMES[0] ?? ''}.sql is not the file that was applied to this database. ` +
        'Restore it, and write what should change into a new migration.',
    });
    assert.deepEqual(await lines(db.pool, 'select version from staging.schema_migration'), ['1']);
  });

  test('a migration that fails leaves nothing of itself', async (t) => {
    const db = await emptyDatabase(t);
    await migrate(db.pool, 1);
    await db.pool.query('create schema mart; create table mart.f_sales (in_the_way integer)');
    await assert.rejects(migrate(db.pool), /"f_sales" already exists/);
    assert.deepEqual(await lines(db.pool, 'select version from staging.schema_migration'), ['1']);
    assert.deepEqual(
      await lines(db.pool, `select relname from pg_class where relnamespace = 'mart'::regnamespace`),
      ['f_sales'],
    );
    await db.pool.query('drop schema mart cascade');
    assert.equal((await migrate(db.pool)).version, NEWEST);
  });

  test('the role that owns the database is enough; it is no superuser', async (t) => {
    const db = await emptyDatabase(t);
    await migrate(db.pool);
    assert.deepEqual(
      await lines(
        db.pool,
        `select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
         from pg_roles where rolname = current_user`,
      ),
      ['false'],
    );
  });

  test('a server that is too old, or a database that is not UTF-8, is refused with a sentence', async () => {
    const server = { version: '13.22 (Debian 13.22-1.pgdg12+1)', encoding: 'UTF8' };
    assert.throws(() => checkSuitable(server), {
      message:
        'PostgreSQL 13.22 (Debian 13.22-1.pgdg12+1) is too old: version 14 or newer is required. Upgrade the server or use another one.',
    });
    for (const version of ['14.0', '18.4', '19beta1']) checkSuitable({ ...server, version });
    const template = new URL(variable('TEST_TEMPLATE_URL'));
    await asAdmin(
      `create database not_utf8 owner ${template.username} encoding 'LATIN1' locale_provider libc locale 'C' template template0`,
    );
    template.pathname = '/not_utf8';
    const { code, stderr } = await client(['migrate'], { DATABASE_URL: template.href });
    await asAdmin('drop database not_utf8');
    assert.equal(code, 1);
    assert.equal(
      stderr,
      'The encoding of the database is LATIN1, which cannot hold every text. ' +
        "Create the database anew with `encoding 'UTF8' template template0`.\n",
    );
  });

  test('while another session holds a lock that a migration needs, it notes which one', async (t) => {
    const db = await emptyDatabase(t);
    await migrate(db.pool, 1);
    const reader = await db.pool.connect();
    try {
      await reader.query(`set application_name = 'long reader'; begin; select from staging.schema_migration`);
      // Another migration needs what the reader holds, and this one waits for both.
      const other = anotherPool(db);
      const blocked = other.query('begin; lock table staging.schema_migration; select pg_sleep(2); commit');
      const migrating = start(['client/main.ts', 'migrate'], { DATABASE_URL: db.url });
      await migrating.says('Waiting for a lock');
      await reader.query('commit');
      await blocked;
      await other.end();
      const { code, stderr } = await migrating.ended;
      assert.equal(code, 0, stderr);
      const lines = stderr.trimEnd().split('\n');
      assert.ok(lines.length >= 1 && lines.length <= 3, stderr);
      for (const line of lines) {
        assert.match(
          line,
          /^Waiting for a lock: process \d+ holds it \(application "(?:long reader|test)", in a transaction for \d+ s\)\.$/,
        );
      }
    } finally {
      reader.release();
    }
  });

  test('settings of server, database and role change nothing', async (t) => {
    const orders = [
      { uniq_id: 'a', date_time: '2024-12-30T23:30:00.000001', payment_amount: '10.50', status: 'shipped' },
      { uniq_id: 'b', date_time: '2024-12-29 00:00:00', customer_id: 2, status: 'refunded' },
    ];
    const hostile = [
      [],
      [`search_path = ''`, `timezone = 'Asia/Kamchatka'`, `default_transaction_isolation = 'serializable'`],
      [`search_path = 'mart, staging, public'`, `timezone = 'America/Los_Angeles'`, `enable_nestloop = off`],
      [
        `datestyle = 'SQL, DMY'`,
        `default_transaction_isolation = 'repeatable read'`,
        `extra_float_digits = -15`,
      ],
      [`lock_timeout = '1ms'`, `statement_timeout = '200ms'`, `transaction_timeout = '200ms'`],
    ];
    const dumps: string[] = [];
    for (const settings of hostile) {
      const db = await emptyDatabase(t);
      const name = new URL(db.url).pathname.slice(1);
      for (const setting of settings) await asAdmin(`alter database ${name} set ${setting}`);
      const pool = anotherPool(db);
      try {
        await migrate(pool);
        await new Loader(new Database(pool)).load('2024-12-31', orders);
      } finally {
        await pool.end();
      }
      // What is there now, as somebody without these settings reads it.
      await asAdmin(`alter database ${name} reset all`);
      dumps.push((await dump(db.pool)) + (await dumpSchema(db.pool)));
      assert.equal(dumps.at(-1), dumps[0], `with ${settings.join()}`);
    }
  });
});

test('a new installation has no open day before the first known one, and history makes none known (ruling 56)', async (t) => {
  const db = await databaseFor(t);
  const told = async () => {
    const freshness = ['2024-02-28', ...DAY_STATE_PARAMETERS, 'UTC'];
    const { days_missing, days_failed } = await db.database.one<Record<string, number>>(
      'status/freshness',
      freshness,
    );
    const { days } = await openDaysBefore(db.database, '2024-02-28', new AbortController().signal);
    return [days, days_missing, days_failed];
  };
  assert.deepEqual(await told(), [0, 0, 0]);
  await new Loader(db.database).load('2020-01-01', [{ uniq_id: 'h' }], { source: 'history' });
  assert.deepEqual(await told(), [0, 0, 0]);
  // Without its other files it is missing itself.
  await new Loader(db.database).load('2024-02-25', [{ uniq_id: 'a' }]);
  assert.deepEqual(await told(), [3, 4, 0]);
});

test('every table has a primary key, without which nothing can be deleted where all tables are published', async (t) => {
  const db = await databaseFor(t);
  const without = `select oid::regclass from pg_class
    where relkind = 'r' and relnamespace in ('staging'::regnamespace, 'mart'::regnamespace)
      and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary)`;
  assert.deepEqual(await lines(db.pool, without), []);
});

test('money is exact decimal: no column is a float', async (t) => {
  const db = await databaseFor(t);
  const columns = `select nspname || '.' || relname || '.' || attname, format_type(atttypid, atttypmod)
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where nspname in ('staging', 'mart') and attnum > 0 and relkind in ('r', 'v')`;
  const floats = await lines(
    db.pool,
    `${columns} and atttypid in ('real'::regtype, 'float8'::regtype, 'money'::regtype)`,
  );
  assert.deepEqual(floats, []);
  const amounts = await lines(
    db.pool,
    `${columns} and attname in ('payment_amount', 'price', 'sales_amt') order by 1`,
  );
  assert.deepEqual(amounts, [
    'mart.f_sales.payment_amount | numeric(18,2)',
    'staging.customer_research.sales_amt | numeric(18,2)',
    'staging.incoming_customer_research.sales_amt | numeric(18,2)',
    'staging.incoming_price_log.price | numeric(18,2)',
    'staging.incoming_user_order_log.payment_amount | numeric(18,2)',
    'staging.order_fact.payment_amount | numeric(18,2)',
    'staging.price_log.price | numeric(18,2)',
    'staging.user_order_log.payment_amount | numeric(18,2)',
  ]);
  const revenues = await lines(
    db.pool,
    `${columns} and attname like '%revenue%' and atttypid <> 'numeric'::regtype`,
  );
  assert.deepEqual(revenues, []);
});

test('a database without Citus is not distributed, and a sentence says so', async (t) => {
  const db = await databaseFor(t);
  await assert.rejects(distribute(db.database), /not the coordinator of a Citus cluster/);
});
