import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { request } from 'undici';
import { AesGcmCodec } from '../runtime/codec/aes-gcm-codec.ts';
import { codecServer } from '../runtime/codec/server.ts';
import { stackFor } from './client/harness.ts';
import { client, start, startWorkerProcess } from './support/processes.ts';
import { TestStack } from './support/stack.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });
const payload = () => defaultPayloadConverter.toPayload({ date: '2024-02-25', name: 'Молоко' });

test('what is encrypted reads as before, and only with the key', async () => {
  const [old, current] = [key('old'), key('current')];
  const [encrypted] = await new AesGcmCodec([old]).encode([payload()]);
  assert.doesNotMatch(Buffer.from(encrypted?.data ?? []).toString('latin1'), /2024-02-25/);
  const rotated = new AesGcmCodec([current, old]);
  const [decrypted, plain] = await rotated.decode([encrypted ?? {}, payload()]);
  assert.deepEqual(defaultPayloadConverter.fromPayload(decrypted ?? {}), {
    date: '2024-02-25',
    name: 'Молоко',
  });
  assert.deepEqual(plain, payload());
  await assert.rejects(
    async () => await new AesGcmCodec([current]).decode([encrypted ?? {}]),
    /has no key "old"/,
  );
});

test('a day runs with encrypted payloads, and the codec server decrypts its history for the UI', async () => {
  const stack = await TestStack.start({ worker: false });
  const { id, key: secret } = key('k1');
  const environment = { ...stack.environment, PAYLOAD_KEYS: `${id}:${secret.toString('base64')}` };
  const server = codecServer(new AesGcmCodec([{ id, key: secret }]), 'http://ui.example').listen(
    0,
    '127.0.0.1',
  );
  try {
    await once(server, 'listening');
    stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
    const worker = await startWorkerProcess(environment);
    const { code, stdout } = await client(['run', '--date', '2024-02-25', '--json'], environment);
    assert.equal(code, 0, stdout);
    const history = await stack.client.workflow.getHandle(`${stack.taskQueue}-2024-02-25`).fetchHistory();
    const [input] = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    assert.equal(Buffer.from(input?.metadata?.encoding ?? []).toString(), 'binary/encrypted');
    const { port } = server.address() as AddressInfo;
    const encode = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64');
    const metadata = Object.fromEntries(
      Object.entries(input?.metadata ?? {}).map(([name, value]) => [name, encode(value)]),
    );
    const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}/decode`, {
      method: 'POST',
      body: JSON.stringify({ payloads: [{ metadata, data: encode(input?.data) }] }),
    });
    assert.equal(statusCode, 200);
    assert.equal(headers['access-control-allow-origin'], 'http://ui.example');
    const { payloads } = (await body.json()) as { payloads: { data: string }[] };
    assert.match(Buffer.from(payloads[0]?.data ?? '', 'base64').toString(), /"loadDate":"2024-02-25"/);
    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0);
  } finally {
    server.close();
    await stack.close();
  }
});

test('failures are encrypted too, and read as before', async (t) => {
  const stack = await stackFor(t, { worker: false });
  const { id, key: secret } = key('k1');
  const environment = { ...stack.environment, PAYLOAD_KEYS: `${id}:${secret.toString('base64')}` };
  stack.deliveries.set('2024-02-25', '<html>a refused file</html>');
  const worker = await startWorkerProcess(environment);
  t.after(() => worker.kill('SIGKILL'));
  const { code, stdout } = await client(['run', '--date', '2024-02-25', '--json'], environment);
  assert.equal(code, 1);
  assert.match(stdout, /user_order_log_inc of 2024-02-25 is refused: it is an HTML/);
  const history = await stack.client.workflow.getHandle(`${stack.taskQueue}-2024-02-25`).fetchHistory();
  const text = JSON.stringify(history, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
  );
  assert.match(text, /Encoded failure/);
  assert.doesNotMatch(text, /is refused|HTML/);
});

for (const side of ['client', 'worker'] as const) {
  test(`keys on the ${side}'s side alone: somebody says so`, { timeout: 60_000 }, async (t) => {
    const stack = await stackFor(t, { worker: false });
    stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
    const { id, key: secret } = key('k1');
    const withKeys = { ...stack.environment, PAYLOAD_KEYS: `${id}:${secret.toString('base64')}` };
    const worker = await startWorkerProcess(side === 'worker' ? withKeys : stack.environment);
    t.after(() => worker.kill('SIGKILL'));
    const environment = side === 'client' ? withKeys : stack.environment;
    const run = start(['client/main.ts', 'run', '--date', '2024-02-25'], environment);
    t.after(() => run.kill('SIGKILL'));
    await run.says('PAYLOAD_KEYS is not set here');
  });
}
