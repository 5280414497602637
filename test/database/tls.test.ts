import assert from 'node:assert/strict';
import { chmod, chown, copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Database } from '../../database/database.ts';
import { tlsOf } from '../../database/tls.ts';
import { startPostgres } from '../../dev/services/postgres.ts';
import { makeCertificates } from '../support/certificates.ts';
import { poolTo, variable } from '../support/database.ts';
import { client } from '../support/client.ts';

const directory = await mkdtemp(path.join(tmpdir(), 'tls-'));
const file = (name: string) => path.join(directory, name);
await makeCertificates(directory, { server: 'localhost', client: 'sales' });
const options = { dataDir: file('data'), logFile: file('postgres.log'), fsync: false };
const plain = await startPostgres(options);
const url = await plain.createApplicationDatabase('sales');
await plain.stop();
// The server reads its key only when it owns it and nobody else can read it.
const { uid, gid } = await stat(file('data'));
for (const name of ['server.crt', 'server.key', 'ca.crt']) {
  await copyFile(file(name), file(`data/${name}`));
  await chown(file(`data/${name}`), uid, gid);
  await chmod(file(`data/${name}`), 0o600);
}
const ssl = { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key', ssl_ca_file: 'ca.crt' };
const postgres = await startPostgres({ ...options, settings: ssl });
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

/** Whether a connection is encrypted, as whom the client has shown itself, and what is said at the start. */
async function connected(databaseUrl: string) {
  let warning = '';
  const pool = poolTo(databaseUrl, { onWarning: (message) => (warning = message) });
  try {
    const seen = await new Database(pool).transaction((session) =>
      session.query<{ encrypted: boolean; client: string | null }>(
        'select ssl as encrypted, client_dn as client from pg_stat_ssl where pid = pg_backend_pid()',
      ),
    );
    return { ...seen.rows[0], warning };
  } finally {
    await pool.end();
  }
}

const authority = `sslrootcert=${file('ca.crt')}`;
const verified = { encrypted: true, client: null, warning: '' };

test('PostgreSQL by TLS: the server is verified, and a client certificate goes with it', async () => {
  const right = `sslmode=verify-full&${authority}`;
  assert.deepEqual(await connected(urlWith(right)), verified);
  const both = `${right}&sslcert=${file('client.crt')}&sslkey=${file('client.key')}`;
  assert.deepEqual(await connected(urlWith(both)), { ...verified, client: '/CN=sales' });
  const byVariables = await migrate('', { PGSSLMODE: 'verify-full', PGSSLROOTCERT: file('ca.crt') });
  assert.deepEqual([byVariables.code, byVariables.stderr], [0, '']);
});

test('a server that cannot be verified is refused', async () => {
  await assert.rejects(connected(urlWith('sslmode=verify-full')), (error: Error) => {
    assert.match(error.message, /PostgreSQL cannot be reached: .*certificate/);
    return !error.message.includes(new URL(url).password);
  });
});

test('verify-ca checks who signed the certificate, verify-full the name as well', async () => {
  // The certificate is for localhost. As in psql, require verifies when it has an authority.
  for (const mode of ['verify-ca', 'require'])
    assert.deepEqual(await connected(urlWith(`sslmode=${mode}&${authority}`, '127.0.0.1')), verified);
  await assert.rejects(connected(urlWith(`sslmode=verify-full&${authority}`, '127.0.0.1')), /altnames/);
  const another = `sslrootcert=${file('client.crt')}`;
  for (const mode of ['require', 'verify-ca', 'verify-full'])
    await assert.rejects(connected(urlWith(`sslmode=${mode}&${another}`)), /certificate/);
});

test('require and prefer encrypt without verifying, as psql does, and say so', async () => {
  for (const mode of ['require', 'prefer']) {
    const said = new RegExp(`^sslmode=${mode}.* PostgreSQL .*\\.$`);
    const { warning, encrypted } = await connected(urlWith(`sslmode=${mode}`));
    assert.equal(encrypted, true);
    assert.match(warning, said);
    assert.match(tlsOf(undefined, { PGSSLMODE: mode }).warning ?? '', said);
  }
  const { code, stderr } = await migrate('sslmode=require');
  assert.equal(code, 0, stderr);
  // One line, and no warning of pg or Node.
  assert.match(stderr, /^sslmode=require.*\n$/);
  assert.deepEqual(await connected(urlWith('')), { ...verified, encrypted: false });
});

test('a server without TLS is used with prefer and not with require', async () => {
  const without = new URL(variable('TEST_TEMPLATE_URL'));
  assert.equal((await connected(`${without.href}?sslmode=prefer`)).encrypted, false);
  await assert.rejects(connected(`${without.href}?sslmode=require`), /does not support SSL/);
  without.port = '1';
  await assert.rejects(connected(`${without.href}?sslmode=prefer`), /ECONNREFUSED/);
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
  const { code, stderr } = await migrate('sslmode=verify-ca');
  assert.equal(code, 2, stderr);
  assert.match(stderr, /sslmode=verify-ca needs sslrootcert/);
  const unreadable = urlWith('sslmode=verify-full&sslrootcert=/nowhere/ca.crt');
  assert.throws(() => tlsOf(unreadable, {}), /sslrootcert cannot be read: ENOENT/);
  assert.throws(() => tlsOf(undefined, { PGSSLMODE: 'yes' }), /PGSSLMODE must be one of/);
});
