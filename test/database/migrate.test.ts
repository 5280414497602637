import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { distribute } from '../../database/distribute.ts';
import { Database } from '../../database/database.ts';
import { checkSuitable, migrate, migrations, SchemaMismatch } from '../../database/migrate.ts';
import { DAY_STATE_PARAMETERS } from '../../domain/feeds.ts';
import { openDaysBefore } from '../../pipeline/load/outcome.ts';
import { asAdmin, databaseFor, poolTo, variable, type TestDatabase } from '../support/database.ts';
import { start } from '../support/processes.ts';
import { dump } from '../support/dump.ts';
import { dumpSchema } from './schema-dump.ts';
import { lines, Loader } from './support.ts';

const NAMES = migrations().map(({ name }) => name);
const NEWEST = NAMES.length;

const emptyDatabase = (t: TestContext) => databaseFor(t, { empty: true });
/** A pool as another process has it. */
const anotherPool = (db: TestDatabase) => poolTo(db.url, { maxConnections: 1 });

describe('migrate', () => {
  test('twenty processes at once apply each migration once, as the owner alone; a repeat does nothing', async (t) => {
    const db = await emptyDatabase(t);
    const pools = Array.from({ length: 20 }, () => anotherPool(db));
    const results = await Promise.all(pools.map((pool) => migrate(pool)));
    await Promise.all(pools.map((pool) => pool.end()));
    assert.deepEqual(results.flatMap(({ applied }) => applied).sort(), NAMES);
    assert.deepEqual(new Set(results.map(({ version }) => version)), new Set([NEWEST]));
    const recorded = () =>
      lines(db.pool, 'select version, name, xmin from staging.schema_migration order by 1');
    const before = await recorded();
    assert.deepEqual(
      before.map((row) => row.replace(/ \| \d+$/, '')),
      NAMES.map((name, index) => `${index + 1} | ${name}`),
    );
    assert.deepEqual(await migrate(db.pool), { version: NEWEST, applied: [] });
    assert.deepEqual(await recorded(), before);
    const rights = `select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
      from pg_roles where rolname = current_user`;
    assert.deepEqual(await lines(db.pool, rights), ['false']);
  });

  test('stops at a version and goes on from there, but not over a failure or a changed file; never back', async (t) => {
    const db = await emptyDatabase(t);
    const versions = () => lines(db.pool, 'select version from staging.schema_migration');
    assert.deepEqual(await migrate(db.pool, 0), { version: 0, applied: [] });
    assert.deepEqual(await migrate(db.pool, 1), { version: 1, applied: NAMES.slice(0, 1) });
    assert.deepEqual(await migrate(db.pool, 1), { version: 1, applied: [] });

    await db.pool.query('create schema mart; create table mart.f_sales (in_the_way integer)');
    await assert.rejects(migrate(db.pool), /"f_sales" already exists/);
    assert.deepEqual(await versions(), ['1']);
    const left = `select relname from pg_class where relnamespace = 'mart'::regnamespace`;
    assert.deepEqual(await lines(db.pool, left), ['f_sales']);
    await db.pool.query('drop schema mart cascade');

    await db.pool.query(`update staging.schema_migration set checksum = reverse(checksum)`);
    await assert.rejects(migrate(db.pool), {
      name: SchemaMismatch.name,
      message:
        `sql/migrations/${NAMES[0] ?? ''}.sql is not the file that was applied to this database. ` +
        'Restore it, and write what should change into a new migration.',
    });
    assert.deepEqual(await versions(), ['1']);
    await db.pool.query(`update staging.schema_migration set checksum = reverse(checksum)`);

    assert.deepEqual(await migrate(db.pool), { version: NEWEST, applied: NAMES.slice(1) });
    assert.deepEqual(await migrate(db.pool, 1), { version: NEWEST, applied: [] });
    assert.deepEqual(await migrate(db.pool, NEWEST + 5), { version: NEWEST, applied: [] });
  });

  test('an unknown newer version is refused with a sentence that says what to do', async (t) => {
    const db = await databaseFor(t);
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

  test('a server that is too old, or a database that is not UTF-8, is refused with a sentence', async () => {
    const server = { version: '13.22 (Debian 13.22-1.pgdg12+1)', encoding: 'UTF8' };
    assert.throws(() => checkSuitable(server), {
      message:
        'PostgreSQL 13.22 (Debian 13.22-1.pgdg12+1) is too old: version 14 or newer is required. Upgrade the server or use another one.',
    });
    for (const version of ['14.0', '18.4', '19beta1']) checkSuitable({ ...server, version });
    const url = new URL(variable('TEST_TEMPLATE_URL'));
    await asAdmin(
      `create database not_utf8 owner ${url.username} encoding 'LATIN1' locale_provider libc locale 'C' template template0`,
    );
    url.pathname = '/not_utf8';
    const pool = poolTo(url.href);
    await assert.rejects(migrate(pool), {
      message:
        'The encoding of the database is LATIN1, which cannot hold every text. ' +
        "Create the database anew with `encoding 'UTF8' template template0`.",
    });
    await pool.end();
    await asAdmin('drop database not_utf8');
  });

  test('while another session holds a lock that a migration needs, it notes which one', async (t) => {
    const db = await emptyDatabase(t);
    await migrate(db.pool, 1);
    const reader = await db.pool.connect();
    // Another migration needs what the reader holds, and this one waits for both.
    const other = anotherPool(db);
    await reader.query(`set application_name = 'long reader'; begin; select from staging.schema_migration`);
    const blocked = other.query('begin; lock table staging.schema_migration; select pg_sleep(2); commit');
    const migrating = start(['client/main.ts', 'migrate'], { DATABASE_URL: db.url });
    await migrating.says('Waiting for a lock');
    await reader.query('commit');
    reader.release();
    await blocked;
    await other.end();
    const { code, stderr } = await migrating.ended;
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /^(?:Waiting for a lock: process \d+ holds it \(application "(?:long reader|test)", in a transaction for \d+ s\)\.\n){1,3}$/,
    );
  });

  test('settings of server, database and role change nothing', async (t) => {
    const orders = [
      { uniq_id: 'a', date_time: '2024-12-30T23:30:00.000001', payment_amount: '10.50', status: 'shipped' },
      { uniq_id: 'b', date_time: '2024-12-29 00:00:00', customer_id: 2, status: 'refunded' },
    ];
    const hostile = [
      [],
      [
        ...[
          `search_path = ''`,
          `timezone = 'Asia/Kamchatka'`,
          `default_transaction_isolation = 'serializable'`,
        ],
        ...[`lock_timeout = '1ms'`, `statement_timeout = '200ms'`, `transaction_timeout = '200ms'`],
      ],
      [
        ...[
          `search_path = 'mart, staging, public'`,
          `timezone = 'America/Los_Angeles'`,
          `enable_nestloop = off`,
        ],
        ...[`datestyle = 'SQL, DMY'`, `default_transaction_isolation = 'repeatable read'`],
        `extra_float_digits = -15`,
      ],
    ];
    const dumps: string[] = [];
    for (const settings of hostile) {
      const db = await emptyDatabase(t);
      const name = new URL(db.url).pathname.slice(1);
      for (const setting of settings) await asAdmin(`alter database ${name} set ${setting}`);
      const pool = anotherPool(db);
      await migrate(pool);
      await new Loader(new Database(pool)).load('2024-12-31', orders);
      await pool.end();
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

test('every table has a primary key, and money is exact decimal: no column is a float', async (t) => {
  const db = await databaseFor(t);
  // Without a key nothing can be deleted where all tables are published.
  const without = `select oid::regclass from pg_class
    where relkind = 'r' and relnamespace in ('staging'::regnamespace, 'mart'::regnamespace)
      and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary)`;
  assert.deepEqual(await lines(db.pool, without), []);
  const columns = await lines(
    db.pool,
    `select nspname, relname || '.' || attname, format_type(atttypid, atttypmod)
     from pg_attribute
     join pg_class on pg_class.oid = attrelid
     join pg_namespace on pg_namespace.oid = relnamespace
     where nspname in ('staging', 'mart') and attnum > 0 and relkind in ('r', 'v')`,
  );
  assert.ok(columns.includes('mart | f_sales.payment_amount | numeric(18,2)'));
  for (const column of columns) {
    assert.doesNotMatch(column, / (?:real|double precision|money)$/);
    if (/\.(?:payment_amount|price|sales_amt) /.test(column)) assert.match(column, / numeric\(18,2\)$/);
    if (column.includes('revenue')) assert.match(column, / numeric$/);
  }
});

test('a database without Citus is not distributed, and a sentence says so', async (t) => {
  const db = await databaseFor(t);
  await assert.rejects(distribute(db.database), /not the coordinator of a Citus cluster/);
});
