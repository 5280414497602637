import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { startPostgres, type Postgres } from '../../../dev/services/postgres.ts';
import { namesIn, removeDirectory, scratchDirectory } from './scratch.ts';

let directory: string;
before(async () => {
  directory = await scratchDirectory();
});
after(() => removeDirectory(directory));

function start(name: string, port?: number): Promise<Postgres> {
  const dataDir = join(directory, name);
  return startPostgres({ dataDir, logFile: `${dataDir}.log`, fsync: false, ...(port && { port }) });
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

test('the role of the application owns its database and has no other right; data outlive a kill -9', async (t) => {
  const first = await start('data');
  t.after(() => first.stop());
  const url = await first.createApplicationDatabase('sales');
  assert.deepEqual(
    await query(
      url,
      `select current_user::text, pg_get_userbyid(datdba)::text, rolsuper, rolcreatedb, rolcreaterole,
              rolreplication, rolbypassrls, current_setting('server_encoding')
       from pg_database, pg_roles where datname = current_database() and rolname = current_user`,
    ),
    ['sales', 'sales', false, false, false, false, false, 'UTF8'],
  );
  await assert.rejects(query(url, 'create database more'), /permission denied/);
  await query(url, 'create table kept as select 1 as one');
  // A session that computes does not notice that its server is gone; it must not keep the next one from starting.
  const busy = query(url, 'select count(*) from generate_series(1, 1000000000)').catch(String);
  // The server writes what it has acknowledged within three of its wal_writer_delay, 200 ms.
  await query(url, `select pg_sleep(1)`);
  await first.kill9();
  assert.match(String(await busy), /Connection terminated/);
  const second = await start('data', first.port);
  t.after(() => second.stop());
  assert.deepEqual(await query(url, 'select one from kept'), [1]);
});

test('a directory of something else is refused and not touched', async () => {
  const other = join(directory, 'other');
  await mkdir(other);
  await writeFile(join(other, 'thesis.txt'), 'do not lose');
  await assert.rejects(start('other'), /other is not empty, and not a PostgreSQL data directory: /);
  assert.deepEqual(await namesIn(other), ['thesis.txt']);
});
