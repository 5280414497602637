import assert from 'node:assert/strict';
import { chmod, chown, copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createPool } from '../../database/pool.ts';
import { tlsOf } from '../../database/tls.ts';
import { startPostgres, type Postgres } from '../../dev/services/postgres.ts';
import { makeCertificates } from '../support/certificates.ts';
import { variable } from '../support/database.ts';
import { client } from '../support/processes.ts';

let directory: string;
let postgres: Postgres;
let url: string;

const file = (name: string) => path.join(directory, name);

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tls-'));
  await makeCertificates(directory, { server: 'localhost', client: 'sales' });
  const options = { dataDir: file('data'), logFile: file('postgres.log'), fsync: false };
  const plain = await startPostgres(options);
  url = await plain.createApplicationDatabase('sales');
  await plain.stop();
  // The server reads its key only when it owns it and nobody else can read it.
  const { uid, gid } = await stat(file('data'));
  for (const name of ['server.crt', 'server.key', 'ca.crt']) {
    await copyFile(file(name), file(`data/${name}`));
    await chown(file(`data/${name}`), uid, gid);
    await chmod(file(`data/${name}`), 0o600);
  }
  const ssl = { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key', ssl_ca_file: 'ca.crt' };
  postgres = await startPostgres({ ...options, settings: ssl });
});
after(async () => {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The same database by another host name or port, with parameters. */
function urlWith(query: string, host = 'localhost', port = postgres.port): string {
  const address = new URL(url);
  address.host = `${host}:${port}`;
  return `${address.href}${query && `?${query}`}`;
}

async function migrate(query: string, more: Record<string, string> = {}) {
  return await client(['migrate', '--json'], { DATABASE_URL: urlWith(query), ...more });
}

/** Whether a connection is encrypted, and what is said about it at the start. */
async function connected(databaseUrl: string): Promise<{ encrypted: boolean; warning: string }> {
  let warning = '';
  const pool = createPool({
    connectionString: databaseUrl,
    applicationName: 'test',
    maxConnections: 1,
    onIdleError: () => undefined,
    onWarning: (message) => (warning = message),
  });
  try {
    const ssl = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
    const { rows } = await pool.query<{ ssl: boolean }>(ssl);
    return { encrypted: rows[0]?.ssl ?? false, warning };
  } finally {
    await pool.end();
  }
}

test('PostgreSQL by TLS: the server is verified, and a client certificate goes with it', async () => {
  const right = `sslmode=verify-full&sslrootcert=${file('ca.crt')}`;
  const { code, stderr } = await migrate(right);
  assert.deepEqual([code, stderr], [0, '']);
  const both = await migrate(`${right}&sslcert=${file('client.crt')}&sslkey=${file('client.key')}`);
  assert.equal(both.code, 0, both.stderr);
  const byVariables = await migrate('', { PGSSLMODE: 'verify-full', PGSSLROOTCERT: file('ca.crt') });
  assert.equal(byVariables.code, 0, byVariables.stderr);
});

test('a server that cannot be verified is refused', async () => {
  const { code, stdout } = await migrate('sslmode=verify-full');
  assert.equal(code, 1);
  assert.match(stdout, /PostgreSQL cannot be reached: .*certificate/);
  assert.doesNotMatch(stdout, new RegExp(new URL(url).password));
});

test('verify-ca checks who signed the certificate, verify-full the name as well', async () => {
  const authority = `sslrootcert=${file('ca.crt')}`;
  // The certificate is for localhost.
  assert.deepEqual(await connected(urlWith(`sslmode=verify-ca&${authority}`, '127.0.0.1')), {
    encrypted: true,
    warning: '',
  });
  // As in psql, require verifies when it has an authority.
  assert.equal((await connected(urlWith(`sslmode=require&${authority}`, '127.0.0.1'))).warning, '');
  await assert.rejects(connected(urlWith(`sslmode=verify-full&${authority}`, '127.0.0.1')), /altnames/);
  const another = `sslrootcert=${file('client.crt')}`;
  for (const mode of ['require', 'verify-ca', 'verify-full'])
    await assert.rejects(connected(urlWith(`sslmode=${mode}&${another}`)), /certificate/);
});

test('require and prefer encrypt without verifying, as psql does, and say so', async () => {
  for (const mode of ['require', 'prefer']) {
    for (const { code, stderr } of [
      await migrate(`sslmode=${mode}`),
      await migrate('', { PGSSLMODE: mode }),
    ]) {
      assert.equal(code, 0, stderr);
      // One line, and no warning of pg or Node.
      assert.match(stderr, new RegExp(`^sslmode=${mode}[^\\n]* PostgreSQL [^\\n]*\\.\\n$`));
    }
    assert.equal((await connected(urlWith(`sslmode=${mode}`))).encrypted, true);
  }
  assert.deepEqual(await connected(urlWith('')), { encrypted: false, warning: '' });
});

test('a server without TLS is used with prefer and not with require', async () => {
  const plain = new URL(variable('TEST_TEMPLATE_URL'));
  assert.equal((await connected(`${plain.href}?sslmode=prefer`)).encrypted, false);
  await assert.rejects(connected(`${plain.href}?sslmode=require`), /does not support SSL/);
  plain.port = '1';
  await assert.rejects(connected(`${plain.href}?sslmode=prefer`), /ECONNREFUSED/);
});

test('another machine without sslmode is warned of at the start', () => {
  const warningOf = (host: string, env: NodeJS.ProcessEnv = {}) =>
    tlsOf(host && `postgresql://user:secret@${host}/sales`, env).warning;
  for (const host of ['db.example.com', '10.0.0.7:6432', '[2001:db8::1]', 'localhost.example.com']) {
    assert.match(warningOf(host) ?? '', /^DATABASE_URL \(or PGHOST\) points to another machine/, host);
    assert.equal(warningOf(host, { PGSSLMODE: 'verify-full' }), undefined);
  }
  assert.match(tlsOf(undefined, { PGHOST: 'db.example.com' }).warning ?? '', /another machine/);
  for (const host of ['localhost', '127.0.0.1', '127.3.2.1:5433', '[::1]', '%2Fvar%2Frun%2Fpostgresql'])
    assert.equal(warningOf(host), undefined, host);
  assert.equal(tlsOf('postgresql:///sales?host=/var/run', {}).warning, undefined);
  assert.equal(tlsOf(undefined, {}).warning, undefined);
});

test('settings of TLS that cannot be used end the start', async () => {
  for (const [query, message] of [
    ['sslmode=strict', /^1 setting cannot be used:\n {2}DATABASE_URL must have an sslmode of disable, /],
    ['sslmode=verify-ca', /sslmode=verify-ca needs sslrootcert/],
    ['sslmode=verify-full&sslrootcert=/nowhere/ca.crt', /sslrootcert cannot be read: ENOENT/],
  ] as const) {
    const { code, stderr } = await migrate(query);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
  assert.throws(() => tlsOf(undefined, { PGSSLMODE: 'yes' }), /PGSSLMODE must be one of/);
});
