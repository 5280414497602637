import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Database } from '../../database/database.ts';
import { createPool } from '../../database/pool.ts';
import { migrateDatabase } from '../../dev/services/migrate-database.ts';
import { startPostgres } from '../../dev/services/postgres.ts';
import { addDays } from '../../domain/load-date.ts';
import { lines, Loader } from './support.ts';

const COUNT = `select count(*)::integer from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())`;

/** Of a PostgreSQL that others share (contract, ruling 53). */
test('days leave no entry in pg_stat_statements that the first ones have not left', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'statements-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const postgres = await startPostgres({
    dataDir: path.join(directory, 'postgres'),
    logFile: path.join(directory, 'postgres.log'),
    fsync: false,
    settings: { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track_utility': 'on' },
  });
  t.after(() => postgres.stop());
  const connectionString = await migrateDatabase(await postgres.createApplicationDatabase('sales'));
  const admin = new URL(postgres.adminUrl);
  admin.pathname = '/sales';
  const options = { maxConnections: 5, onIdleError: () => undefined };
  const pools = [connectionString, admin.href].map((url) =>
    createPool({ connectionString: url, applicationName: 'sales-increment worker', ...options }),
  );
  t.after(() => Promise.all(pools.map((pool) => pool.end())));
  const [pool, adminPool] = pools;
  assert.ok(pool && adminPool);
  await adminPool.query('create extension pg_stat_statements');
  const loader = new Loader(new Database(pool));
  const entries: string[] = [];
  for (let day = 0; day < 6; day += 1) {
    const loadDate = addDays('2024-02-25', day);
    await loader.load(loadDate, [
      { uniq_id: 'each day', date_time: loadDate },
      { uniq_id: `day ${day}`, date_time: loadDate, customer_id: day },
    ]);
    entries.push(...(await lines(adminPool, COUNT)));
  }
  assert.ok(Number(entries[0]) > 10, 'it counts');
  assert.deepEqual(entries.slice(2), Array(4).fill(entries[1]), 'after each day');
});
