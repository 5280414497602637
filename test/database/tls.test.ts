import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startPostgres, type Postgres } from '../../dev/services/postgres.ts';
import { client } from '../support/processes.ts';

const execute = promisify(execFile);
let directory: string;
let postgres: Postgres;
let url: string;

const file = (name: string) => path.join(directory, name);
const openssl = (...args: string[]) => execute('openssl', args, { cwd: directory });

/** A certificate of the test's own authority. */
async function certificate(name: string, commonName: string): Promise<void> {
  await openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/CN=${commonName}`,
  );
  await openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-days', '2', '-out', `${name}.crt`],
  );
}

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tls-'));
  await openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '2',
    '-subj',
    '/CN=Test CA',
  );
  await certificate('server', 'localhost');
  await certificate('client', 'sales');
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

async function migrate(query: string) {
  const address = new URL(url);
  address.host = `localhost:${postgres.port}`;
  return await client(['migrate', '--json'], { DATABASE_URL: `${address.href}?${query}` });
}

test('PostgreSQL by TLS: the server is verified, and a client certificate goes with it', async () => {
  const right = `sslmode=verify-full&sslrootcert=${file('ca.crt')}`;
  assert.equal((await migrate(right)).code, 0);
  const both = await migrate(`${right}&sslcert=${file('client.crt')}&sslkey=${file('client.key')}`);
  assert.equal(both.code, 0, both.stderr);
});

test('a server that cannot be verified is refused', async () => {
  const { code, stdout } = await migrate('sslmode=verify-full');
  assert.equal(code, 1);
  assert.match(stdout, /PostgreSQL cannot be reached: .*certificate/);
  assert.ok(!stdout.includes(new URL(url).password));
});
