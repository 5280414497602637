import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createServer } from 'node:tls';
import { Client } from '@temporalio/client';
import { until } from '../client/harness.ts';
import { makeCertificates } from '../support/certificates.ts';
import { variable } from '../support/database.ts';
import { client, startWorkerProcess, type Running } from '../support/processes.ts';
import { TestStack } from '../support/stack.ts';

/** The product as it is installed somewhere: behind mutual TLS, with a namespace of its own. */
const NAMESPACE = `sales-${randomBytes(6).toString('hex')}`;
const ATTRIBUTES = ['SalesLoadDate', 'SalesOutcome', 'SalesRunKind'];

let stack: TestStack;
let worker: Running;
let address: string;
let settings: Record<string, string>;
const stops: (() => unknown)[] = [];
let directory: string;
const file = (name: string) => path.join(directory, name);

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'temporal-tls-'));
  stops.push(() => rm(directory, { recursive: true }));
  await makeCertificates(directory, { server: 'server', client: 'client' });
  stack = await TestStack.start({ worker: false });
  stops.push(() => stack.close());
  await stack.client.workflowService.registerNamespace({
    namespace: NAMESPACE,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  address = await encrypted(variable('TEMPORAL_ADDRESS'));
  settings = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: NAMESPACE,
    TEMPORAL_TLS_SERVER_NAME: 'localhost',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.crt'),
    TEMPORAL_TLS_CLIENT_CERT_PATH: file('client.crt'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file('client.key'),
  };
  await until(
    'the namespace has the search attributes',
    async () => (await run('search-attributes')).code === 0,
  );
  worker = await startWorkerProcess({ ...stack.environment, ...settings });
  stops.push(() => worker.ended);
  stops.push(() => worker.kill('SIGTERM'));
});
after(async () => {
  for (const stop of stops.reverse()) await stop();
});

/** The server by TLS, for whoever has a certificate of the authority. */
async function encrypted(target: string): Promise<string> {
  const [host, port] = target.split(':');
  const [key, cert, ca] = await Promise.all(
    ['server.key', 'server.crt', 'ca.crt'].map((name) => readFile(file(name))),
  );
  const sockets = new Set<Socket>();
  const options = { key, cert, ca, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] };
  const server = createServer(options, (socket) => {
    const behind = connect(Number(port), host);
    for (const one of [socket, behind]) {
      sockets.add(one);
      one
        .on('error', () => undefined)
        .on('close', () => [socket, behind].forEach((other) => other.destroy()));
    }
    socket.pipe(behind).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function without(prefix: string, variables: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith(prefix)));
}

async function run(command: string, environment = settings) {
  // The address comes from the settings or the profile.
  const others = without('TEMPORAL_ADDRESS', stack.environment);
  return await client([...command.split(' '), '--json'], { ...others, ...environment });
}

async function load(date: string, environment = settings): Promise<void> {
  stack.deliveries.set(date, [{ uniq_id: date }]);
  const { code, stdout, stderr } = await run(`run --date ${date}`, environment);
  assert.equal(code, 0, stdout + stderr);
}

test('worker and client load a day, by settings and by a profile; it is found by its search attributes', async () => {
  await load('2024-03-05');
  const profile = `[profile.production]
address = "${address}"
namespace = "${NAMESPACE}"
[profile.production.tls]
server_name = "localhost"
server_ca_cert_path = "${file('ca.crt')}"
client_cert_path = "${file('client.crt')}"
client_key_path = "${file('client.key')}"
`;
  await writeFile(file('temporal.toml'), profile);
  await load('2024-03-06', { TEMPORAL_CONFIG_FILE: file('temporal.toml'), TEMPORAL_PROFILE: 'production' });
  const { workflow } = new Client({ connection: stack.client.connection, namespace: NAMESPACE });
  const query = "SalesLoadDate = '2024-03-05' and SalesOutcome = 'loaded' and SalesRunKind = 'run'";
  await until('the day is found', async () => (await workflow.count(query)).count === 1);
});

test('search attributes that are there are left as they are', async () => {
  const { stdout } = await run('search-attributes');
  const { added } = JSON.parse(stdout) as { added: string[] };
  assert.deepEqual(added, [], `of ${ATTRIBUTES.join()}`);
});

test('without a certificate the server is not reached, and the client says so', async () => {
  const { code, stderr } = await run('run --date 2024-03-07', without('TEMPORAL_TLS_CLIENT', settings));
  assert.equal(code, 1);
  assert.match(stderr, /Temporal cannot be reached at 127\.0\.0\.1:\d+ \(TEMPORAL_ADDRESS\)/);
});
