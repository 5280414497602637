import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import pg from 'pg';

import { type Postgres, type PostgresOptions, startPostgres } from '../../../dev/services/postgres.ts';
import { freePort, portInUse } from '../../../dev/services/ports.ts';
import { namesIn, removeDirectory, scratchDirectory } from './scratch.ts';

let directory: string;
before(async () => {
  directory = await scratchDirectory();
});
after(() => removeDirectory(directory));

function start(name: string, more: Partial<PostgresOptions> = {}): Promise<Postgres> {
  const dataDir = join(directory, name);
  return startPostgres({ dataDir, logFile: `${dataDir}.log`, fsync: false, ...more });
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

test('the role of the application owns its database and has no other right', async (t) => {
  const server = await start('owner', { settings: { timezone: 'Asia/Kamchatka' } });
  t.after(() => server.stop());
  const url = await server.createApplicationDatabase('sales');
  assert.match(url, new RegExp(`^postgresql://sales:[0-9a-f]{64}@127.0.0.1:${server.port}/sales$`));
  assert.equal(await server.createApplicationDatabase('sales'), url, 'repeating it changes nothing');

  assert.deepEqual(
    await query(
      url,
      `select current_user::text, pg_get_userbyid(datdba)::text, rolsuper, rolcreatedb, rolcreaterole,
              rolreplication, rolbypassrls, current_setting('timezone'), current_setting('server_encoding'),
              datlocprovider::text, datlocale, current_setting('fsync')
       from pg_database, pg_roles where datname = current_database() and rolname = current_user`,
    ),
    ['sales', 'sales', false, false, false, false, false, 'Asia/Kamchatka', 'UTF8', 'b', 'C.UTF-8', 'off'],
  );
  const together = await Promise.all([1, 2, 3].map(() => server.createApplicationDatabase('together')));
  assert.equal(new Set(together).size, 1);
  await query(url, 'create schema mart create table f_sales (uniq_id text)');
  await assert.rejects(query(url, 'create database more'), /permission denied/);
  await assert.rejects(
    query(url.replace(/:[0-9a-f]+@/, ':sales@'), 'select'),
    /password authentication failed/,
  );

  const copy = await server.createDatabase('copy of "sales"', 'sales', 'sales');
  assert.deepEqual(await query(copy, 'select count(*)::int from mart.f_sales'), [0]);
  await server.dropDatabase('copy of "sales"');
  await server.dropDatabase('copy of "sales"');
  await assert.rejects(query(copy, 'select'), /does not exist/);
  const administrative = await server.createDatabase('administrative');
  assert.deepEqual(await query(administrative, 'select current_user::text'), ['postgres']);
});

test('data outlives a stop and a kill -9 in the middle of a query, on the same port', async (t) => {
  const port = await freePort();
  let server = await start('kill', { port });
  t.after(() => server.stop());
  const url = await server.createApplicationDatabase('sales');
  await query(url, 'create table kept as select 1 as one');

  await server.stop();
  await server.stop();
  server = await start('kill', { port });
  await query(url, 'insert into kept values (2)');

  // A session that computes does not notice that its server is gone; it must not keep the next one from starting.
  const busy = query(url, 'select count(*) from generate_series(1, 1000000000)').catch(String);
  await query(url, `select pg_sleep(0.2)`);
  let ended: unknown;
  server.onExit((exit) => (ended = exit));
  await server.kill9();
  assert.deepEqual(ended, { code: null, signal: 'SIGKILL' });
  assert.match(String(await busy), /Connection terminated/);
  assert.equal(await portInUse(port), false);

  const killed = server.pid;
  server = await start('kill', { port });
  assert.notEqual(server.pid, killed);
  assert.deepEqual(await query(url, 'select one from kept order by 1'), [1, 2]);
});

test('a stale pid file whose number now belongs to another process does not prevent a start', async (t) => {
  const first = await start('stale');
  await first.stop();
  // Like the one of a killed server after the restart of a container, with the pid of a living process.
  const stale = `${process.ppid}\n${join(directory, 'stale')}\n1700000000\n${first.port}\n\n127.0.0.1\n0 0\n`;
  await writeFile(join(directory, 'stale', 'postmaster.pid'), stale);
  const second = await start('stale');
  t.after(() => second.stop());
  assert.deepEqual(await query(second.adminUrl, 'select 1'), [1]);
});

test('a second server on the same directory is refused, and the first keeps running', async (t) => {
  const first = await start('twice');
  t.after(() => first.stop());
  await assert.rejects(
    start('twice', { startLimitMs: 300 }),
    new RegExp(`^Error: Another PostgreSQL server \\(process ${first.pid}\\) runs on the data directory `),
  );
  assert.deepEqual(await query(first.adminUrl, 'select 1'), [1]);
});

test('a port in use is an error in one sentence', async (t) => {
  const port = await freePort();
  const taken = createServer().listen(port, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  await assert.rejects(start('port', { port }), {
    message: `Port ${port} for PostgreSQL is in use by another process: end that process or choose another port.`,
  });
});

test('a directory of something else is refused and not touched', async () => {
  const other = join(directory, 'other');
  await mkdir(other);
  await writeFile(join(other, 'thesis.txt'), 'do not lose');
  await assert.rejects(start('other'), /other is not empty, and not a PostgreSQL data directory: /);
  assert.deepEqual(await namesIn(other), ['thesis.txt']);

  const old = join(directory, 'old');
  await mkdir(old);
  await writeFile(join(old, 'PG_VERSION'), '9\n');
  await assert.rejects(start('old'), /old belongs to PostgreSQL 9, and this is 18\. /);
});

test('passwords are random, kept for their owner only, and differ by role and server', async () => {
  const first = await start('secret');
  const urls = [first.adminUrl, await first.createApplicationDatabase('sales')];
  await first.stop();
  const other = await start('secret-too');
  await other.stop();
  const passwords = [...urls, other.adminUrl].map((url) => new URL(url).password);
  assert.equal(new Set(passwords).size, 3);
  for (const password of passwords) assert.match(password, /^[0-9a-f]{64}$/);
  const secret = join(directory, 'secret.secret');
  assert.equal((await stat(secret)).mode & 0o777, 0o600);

  await writeFile(secret, 'another');
  await assert.rejects(
    start('secret'),
    /secret was made with another secret than .*secret\.secret\. Restore /,
  );
  await rm(secret);
  await assert.rejects(
    start('secret'),
    /has no secret\.secret beside it.* Remove the directory to start with/,
  );
});

test('an unknown setting is an error with the end of the log, and leaves nothing half-made', async () => {
  await assert.rejects(
    start('wrong', { settings: { no_such_setting: '1' } }),
    /^Error: PostgreSQL ended with code 1 while it started\. The end of its log:\n.*no_such_setting/s,
  );
  assert.deepEqual(
    (await namesIn(directory)).filter((name) => name.includes('.init-')),
    [],
  );
});

test('works below a directory that only its owner may enter, with no capability lent', async (t) => {
  const closed = join(directory, 'closed');
  await mkdir(closed);
  await chmod(closed, 0o700);
  const server = await start('closed/data');
  t.after(() => server.stop());
  assert.deepEqual(await query(server.adminUrl, 'select 1'), [1]);
  if (process.platform !== 'linux') return;
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  assert.match(status, /^CapEff:\s+0+$/m);
  assert.doesNotMatch(status, /^Uid:\s+0\b/m);
  await assert.rejects(
    query(server.adminUrl, `select pg_read_file('${directory}/closed.log')`),
    /denied|No such/,
  );
});
