import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { createServer } from 'node:tls';
import { Client } from '@temporalio/client';
import { connectClient } from '../../runtime/temporal.ts';
import { stackFor, startWorkerProcess, until } from '../client/harness.ts';
import { makeCertificates } from '../support/certificates.ts';
import { variable } from '../support/database.ts';
import { client } from '../support/client.ts';

/** The server by TLS, for whoever has a certificate of the authority. */
async function encrypted(t: TestContext, target: string, file: (name: string) => string): Promise<string> {
  const [host, port] = target.split(':');
  const [key, cert, ca] = await Promise.all(
    ['server.key', 'server.crt', 'ca.crt'].map((name) => readFile(file(name))),
  );
  const options = { key, cert, ca, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] };
  const server = createServer(options, (socket) => {
    const behind = connect(Number(port), host);
    const both = [socket, behind];
    for (const one of both)
      one.on('error', () => undefined).on('close', () => both.forEach((other) => other.destroy()));
    socket.pipe(behind).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('behind mutual TLS, in a namespace of its own: worker by settings and client by a profile load a day, found by its search attributes', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'temporal-tls-'));
  t.after(() => rm(directory, { recursive: true }));
  const file = (name: string) => path.join(directory, name);
  await makeCertificates(directory, { server: 'server', client: 'client' });
  const stack = await stackFor(t, { worker: false });
  const namespace = `sales-${randomBytes(6).toString('hex')}`;
  await stack.client.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  const { workflow } = new Client({ connection: stack.client.connection, namespace });
  const found = async (query: string) => await workflow.count(query).catch(() => ({ count: -1 }));
  await until('the namespace is there', async () => (await found('')).count === 0);

  const address = await encrypted(t, variable('TEMPORAL_ADDRESS'), file);
  const server = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_TLS_SERVER_NAME: 'localhost',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.crt'),
  };
  await startWorkerProcess(t, stack, {
    ...server,
    TEMPORAL_TLS_CLIENT_CERT_PATH: file('client.crt'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file('client.key'),
  });
  const profile = `[profile.production]
address = "${address}"
namespace = "${namespace}"
[profile.production.tls]
server_name = "localhost"
server_ca_cert_path = "${file('ca.crt')}"
client_cert_path = "${file('client.crt')}"
client_key_path = "${file('client.key')}"
`;
  await writeFile(file('temporal.toml'), profile);
  const others = { ...stack.environment };
  delete others.TEMPORAL_ADDRESS;
  const run = async (...args: string[]) => {
    const profiled = { TEMPORAL_CONFIG_FILE: file('temporal.toml'), TEMPORAL_PROFILE: 'production' };
    const { code, stdout, stderr } = await client([...args, '--json'], { ...others, ...profiled });
    assert.equal(code, 0, stdout + stderr);
    return JSON.parse(stdout) as { added?: string[] };
  };
  // Those that are there are left as they are.
  for (const added of [['SalesLoadDate', 'SalesOutcome', 'SalesRunKind'], []])
    assert.deepEqual((await run('search-attributes')).added, added);
  stack.deliveries.set('2024-03-05', [{ uniq_id: 'a' }]);
  await run('run', '--date', '2024-03-05');
  const query = "SalesLoadDate = '2024-03-05' and SalesOutcome = 'loaded' and SalesRunKind = 'run'";
  await until('the day is found', async () => (await found(query)).count === 1);

  // Without a certificate.
  await assert.rejects(
    connectClient(server),
    /Temporal cannot be reached at 127\.0\.0\.1:\d+ \(TEMPORAL_ADDRESS\)/,
  );
});
