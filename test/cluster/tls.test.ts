import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { documentOf, NAMESPACE, World, type Shop } from './world.ts';

const LIMIT = { timeout: 120_000 };
const execute = promisify(execFile);

let directory: string;
let world: World;
let shop: Shop;
const file = (name: string) => path.join(directory, name);
const openssl = (...args: string[]) => execute('openssl', args, { cwd: directory });
const NEW_KEY = ['req', '-newkey', 'rsa:2048', '-nodes'];

/** A certificate of the test's own authority. */
async function certificate(name: string): Promise<void> {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'];
  await openssl(...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...subject);
  await openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-copy_extensions', 'copy', '-days', '2', '-out', `${name}.crt`],
  );
}

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'cluster-tls-'));
  await openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.crt'],
    ...['-days', '2', '-subj', '/CN=Test CA'],
  );
  await certificate('server');
  await certificate('client');
  world = await World.start('temporal_tls', {
    tls: { caFile: file('ca.crt'), certFile: file('server.crt'), keyFile: file('server.key') },
    connection: {
      tls: {
        serverNameOverride: 'localhost',
        serverRootCACertificate: await readFile(file('ca.crt')),
        clientCertPair: { crt: await readFile(file('client.crt')), key: await readFile(file('client.key')) },
      },
    },
  });
  shop = await world.shop('tls', {
    settings: {
      TEMPORAL_TLS_SERVER_NAME: 'localhost',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.crt'),
      TEMPORAL_TLS_CLIENT_CERT_PATH: file('client.crt'),
      TEMPORAL_TLS_CLIENT_KEY_PATH: file('client.key'),
    },
  });
});
after(async () => {
  await world.close();
  await rm(directory, { recursive: true, force: true });
});

/** The settings of the shop without those of Temporal, and with these. */
function instead(settings: Record<string, string>): Record<string, string> {
  const others = Object.entries(shop.environment).filter(
    ([name]) => !name.startsWith('TEMPORAL_') || name === 'TEMPORAL_TASK_QUEUE',
  );
  return { ...Object.fromEntries(others), ...settings };
}

test('worker and client load a day over mutual TLS, set by TEMPORAL_TLS_…', LIMIT, async () => {
  await shop.startWorker('one');
  assert.equal((await shop.run<{ outcome: string }>('run', '--date', '2024-03-05')).outcome, 'loaded');
});

test('a profile in a file works the same way', LIMIT, async () => {
  const profile = `[profile.production]
address = "${world.cluster.address}"
namespace = "${NAMESPACE}"
[profile.production.tls]
server_name = "localhost"
server_ca_cert_path = "${file('ca.crt')}"
client_cert_path = "${file('client.crt')}"
client_key_path = "${file('client.key')}"
`;
  await writeFile(file('temporal.toml'), profile);
  const environment = instead({
    TEMPORAL_CONFIG_FILE: file('temporal.toml'),
    TEMPORAL_PROFILE: 'production',
  });
  const ended = await shop.begin(['run', '--date', '2024-03-06'], environment).ended;
  assert.equal((documentOf(ended) as { outcome: string }).outcome, 'loaded');
});

test('without a certificate the server is not reached, and the client says so', LIMIT, async () => {
  const environment = instead({
    TEMPORAL_ADDRESS: world.cluster.address,
    TEMPORAL_NAMESPACE: NAMESPACE,
    TEMPORAL_TLS_SERVER_NAME: 'localhost',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.crt'),
  });
  const { code, stderr } = await shop.begin(['run', '--date', '2024-03-07'], environment).ended;
  assert.equal(code, 1);
  assert.match(stderr, /Temporal cannot be reached at 127\.0\.0\.1:\d+ \(TEMPORAL_ADDRESS\)/);
});
