import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { request } from 'undici';
import { freePort } from '../dev/services/ports.ts';
import type { DayResult } from '../domain/day.ts';
import { AesGcmCodec, isEncrypted } from '../runtime/codec/aes-gcm-codec.ts';
import { payloadConverter } from '../runtime/codec/converters.ts';
import { dataConverter } from '../runtime/codec/data-converter.ts';
import { failureOf, stackFor, startWorkerProcess, until } from './client/harness.ts';
import { client, start } from './support/processes.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });
const payload = () => defaultPayloadConverter.toPayload({ date: '2024-02-25', name: 'Молоко' });
const STRICT = { acceptPlain: false };
const inWorkflow = (workflowId: string) => ({ type: 'workflow', namespace: 'default', workflowId }) as const;

/** A setting with a new key, and what reads what is encrypted with it. */
function newKeys() {
  const { id, key: secret } = key('k1');
  const codec = new AesGcmCodec([{ id, key: secret }], STRICT);
  return { codec, settings: { PAYLOAD_KEYS: `${id}:${secret.toString('base64')}` } };
}

test('what is encrypted reads as before, and only with the key', async () => {
  const [old, current] = [key('old'), key('current')];
  const [encrypted = {}] = await new AesGcmCodec([old], STRICT).encode([payload()]);
  assert.doesNotMatch(Buffer.from(encrypted.data ?? []).toString('latin1'), /2024-02-25/);
  const [decrypted = {}] = await new AesGcmCodec([current, old], STRICT).decode([encrypted]);
  assert.deepEqual(payloadConverter.fromPayload(decrypted), { date: '2024-02-25', name: 'Молоко' });
  await assert.rejects(new AesGcmCodec([current], STRICT).decode([encrypted]), /has no key "old"/);
  await assert.rejects(
    new AesGcmCodec([key('old')], STRICT).decode([encrypted]),
    /it was altered, or key "old" in PAYLOAD_KEYS is not the key/,
  );
});

test('a payload that is not encrypted is refused, but during a change-over', async () => {
  const ring = [key('k1')];
  const [refused = {}] = await new AesGcmCodec(ring, STRICT).decode([payload()]);
  assert.throws(() => payloadConverter.fromPayload<{ date: string }>(refused).date, {
    type: 'InvalidInput',
    message: /is not encrypted, and PAYLOAD_KEYS is set here.*PAYLOAD_ACCEPT_PLAIN=true/,
  });
  assert.deepEqual(await new AesGcmCodec(ring, { acceptPlain: true }).decode([payload()]), [payload()]);
});

test('a payload of one workflow is refused in another; the runs of a schedule share theirs', async () => {
  const codec = new AesGcmCodec([key('k1')], STRICT);
  const [encrypted = {}] = await codec.encode([payload()], inWorkflow('daily-run'));
  // No workflow: the codec server is told none.
  for (const workflowId of ['daily-run', 'daily-run-2024-02-26T05:00:00Z', undefined]) {
    const context = workflowId === undefined ? undefined : inWorkflow(workflowId);
    const [decrypted = {}] = await codec.decode([encrypted], context);
    assert.deepEqual(payloadConverter.fromPayload(decrypted), { date: '2024-02-25', name: 'Молоко' });
  }
  const [refused = {}] = await codec.decode([encrypted], inWorkflow('another'));
  assert.throws(
    () => JSON.stringify(payloadConverter.fromPayload(refused)),
    /was encrypted for another workflow: daily-run/,
  );
  const forged = { ...encrypted, metadata: { ...encrypted.metadata, 'workflow-id': Buffer.from('another') } };
  await assert.rejects(codec.decode([forged], inWorkflow('another')), /it was altered/);
});

test('with keys on both sides, everything that the product does goes on', async (t) => {
  const { codec, settings } = newKeys();
  const stack = await stackFor(t, {
    worker: false,
    settings: { ...settings, FILES_TIMEOUT: '1m' },
  });
  const { taskQueue, environment } = stack;
  await startWorkerProcess(t, stack);
  const reading = new Client({
    connection: stack.client.connection,
    dataConverter: dataConverter(settings).dataConverter,
  });
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await client([...args, '--json'], environment);
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  // A day that waits until an update lets it go on, and whose progress is asked for meanwhile.
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }], { customer_research_inc: null });
  const waiting = start(['client/main.ts', 'run', '--date', '2024-02-25'], environment);
  t.after(() => waiting.kill('SIGKILL'));
  const day = reading.workflow.getHandle(`${taskQueue}-2024-02-25`);
  await waiting.says('customer_research_inc');
  await day.executeUpdate('proceedWithout', { args: [['customer_research_inc']] });
  assert.equal((await waiting.ended).code, 0, waiting.output());
  assert.match(waiting.output(), /Waiting|waiting/);

  stack.deliveries.set('2024-02-26', [{ uniq_id: 'b' }]);
  await run('backfill', '--from', '2024-02-26', '--to', '2024-02-26');
  await run('bootstrap');
  // The second run of a schedule is handed the result of the first.
  await run('schedule', 'apply', '--paused');
  for (const date of ['2024-02-27', '2024-02-28']) {
    stack.deliveries.set(date, [{ uniq_id: date }]);
    await run('schedule', 'trigger', '--date', date);
    await until(`${date} is loaded`, async () => {
      const rows = await stack.rows(
        `select from staging.day_load where load_date = $1 and outcome = 'loaded'`,
        [date],
      );
      return rows.length === 1;
    });
  }
  await run('schedule', 'show');
  await run('schedule', 'delete');

  // Every payload is encrypted, and the codec server shows it.
  const port = await freePort();
  const server = start(['runtime/codec/main.ts'], {
    ...settings,
    CODEC_SERVER_ADDRESS: `127.0.0.1:${port}`,
    TEMPORAL_UI_URL: 'http://ui.example',
  });
  t.after(() => server.kill('SIGKILL'));
  await server.says('codec server at');
  const { events } = await day.fetchHistory();
  const [input = {}] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  assert.equal(Buffer.from(input.metadata?.encoding ?? []).toString(), 'binary/encrypted');
  assert.deepEqual(
    payloadConverter.fromPayload<{ loadDate: string }>((await codec.decode([input]))[0] ?? {}).loadDate,
    '2024-02-25',
  );
  const decode = await request(`http://127.0.0.1:${port}/decode`, {
    method: 'POST',
    headers: { origin: 'http://ui.example' },
    body: JSON.stringify({ payloads: [toJson(input)] }),
  });
  assert.equal(decode.statusCode, 200);
  assert.equal(decode.headers['access-control-allow-origin'], 'http://ui.example');
  const { payloads } = (await decode.body.json()) as { payloads: { data: string }[] };
  assert.match(Buffer.from(payloads[0]?.data ?? '', 'base64').toString(), /"loadDate":"2024-02-25"/);
  server.kill('SIGTERM');
  assert.equal((await server.ended).code, 0);
});

test('a caller without the key starts nothing and changes nothing', async (t) => {
  const { settings } = newKeys();
  const stack = await stackFor(t, { worker: false, settings });
  const reading = new Client({
    connection: stack.client.connection,
    dataConverter: dataConverter(settings).dataConverter,
  });
  await startWorkerProcess(t, stack);
  // `stack.client` has no key.
  const plain = await stack.startDay('2024-02-25', { maxRejectedShare: 1 });
  const failed = await failureOf(reading.workflow.getHandle(plain.workflowId).result());
  assert.equal(failed.type, 'InvalidInput');
  assert.match(failed.message, /is not encrypted, and PAYLOAD_KEYS is set here/);

  stack.deliveries.set('2024-02-26', [{ uniq_id: 'a' }], { customer_research_inc: null });
  const run = start(['client/main.ts', 'run', '--date', '2024-02-26'], stack.environment);
  t.after(() => run.kill('SIGKILL'));
  await run.says('customer_research_inc');
  const id = `${stack.taskQueue}-2024-02-26`;
  await assert.rejects(
    stack.client.workflow
      .getHandle(id)
      .executeUpdate('proceedWithout', { args: [['customer_research_inc']] }),
  );
  assert.equal((await reading.workflow.getHandle(id).describe()).status.name, 'RUNNING');
  await reading.workflow.getHandle(id).executeUpdate('proceedWithout', { args: [['customer_research_inc']] });
  assert.equal((await run.ended).code, 0, run.output());
});

test('during a change-over a caller without the key is served', async (t) => {
  const { settings } = newKeys();
  const stack = await stackFor(t, { worker: false });
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
  await startWorkerProcess(t, stack, { ...settings, PAYLOAD_ACCEPT_PLAIN: 'true' });
  const { workflowId } = await stack.startDay('2024-02-25');
  const reading = new Client({
    connection: stack.client.connection,
    dataConverter: dataConverter(settings).dataConverter,
  });
  assert.equal(((await reading.workflow.getHandle(workflowId).result()) as DayResult).outcome, 'loaded');
});

test('the codec server answers its own Host and the UI, with its token, and encrypts only when told to', async (t) => {
  const { settings } = newKeys();
  const port = await freePort();
  const address = {
    ...settings,
    CODEC_SERVER_ADDRESS: `0.0.0.0:${port}`,
    TEMPORAL_UI_URL: 'http://ui.example',
  };
  const refused = await start(['runtime/codec/main.ts'], address).ended;
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /CODEC_SERVER_TOKEN is not set/);

  const token = 'a-token-of-the-test';
  const server = start(['runtime/codec/main.ts'], { ...address, CODEC_SERVER_TOKEN: token });
  t.after(() => server.kill('SIGKILL'));
  await server.says('codec server at');
  const taken = await start(['runtime/codec/main.ts'], { ...address, CODEC_SERVER_TOKEN: token }).ended;
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, /CODEC_SERVER_ADDRESS 0\.0\.0\.0:\d+ cannot be used: something listens there/);

  const own = { host: `127.0.0.1:${port}`, origin: 'http://ui.example', authorization: `Bearer ${token}` };
  const call = async (path: string, headers: Record<string, string>, body = '{"payloads":[]}') => {
    const answer = await request(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body });
    await answer.body.dump();
    return answer.statusCode;
  };
  assert.equal(await call('/decode', own), 200);
  assert.equal(await call('/namespaces/default/decode', { ...own, host: 'ui.example' }), 200);
  assert.equal(await call('/decode', { ...own, origin: 'http://attacker.example' }), 403);
  assert.equal(await call('/decode', { ...own, authorization: 'Bearer another' }), 401);
  assert.equal(await call('/encode', own), 403);
  const preflight = (origin: string) =>
    request(`http://127.0.0.1:${port}/decode`, { method: 'OPTIONS', headers: { origin } });
  assert.equal((await preflight('http://ui.example')).statusCode, 204);
  assert.equal((await preflight('http://attacker.example')).statusCode, 403);
});

test('what the codec server encrypts, a worker reads', async (t) => {
  const { codec, settings } = newKeys();
  const port = await freePort();
  const server = start(['runtime/codec/main.ts'], {
    ...settings,
    CODEC_SERVER_ADDRESS: `127.0.0.1:${port}`,
    CODEC_SERVER_ENCODE: 'true',
  });
  t.after(() => server.kill('SIGKILL'));
  await server.says('codec server at');
  const { body } = await request(`http://localhost:${port}/encode`, {
    method: 'POST',
    body: JSON.stringify({ payloads: [toJson(payload())] }),
  });
  const { payloads } = (await body.json()) as {
    payloads: { metadata: Record<string, string>; data: string }[];
  };
  const [{ metadata, data } = { metadata: {}, data: '' }] = payloads;
  const encrypted = {
    metadata: Object.fromEntries(Object.entries(metadata).map(([n, v]) => [n, Buffer.from(v, 'base64')])),
    data: Buffer.from(data, 'base64'),
  };
  assert.ok(isEncrypted(encrypted));
  const [decrypted = {}] = await codec.decode([encrypted], inWorkflow('any'));
  assert.deepEqual(payloadConverter.fromPayload(decrypted), { date: '2024-02-25', name: 'Молоко' });
});

function toJson({ metadata, data }: Payload) {
  const base64 = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64');
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]),
    ),
    data: base64(data),
  };
}

test('failures are encrypted too, and read as before', async (t) => {
  const stack = await stackFor(t, { worker: false });
  const environment = { ...stack.environment, ...newKeys().settings };
  stack.deliveries.set('2024-02-25', '<html>a refused file</html>');
  await startWorkerProcess(t, stack, environment);
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
