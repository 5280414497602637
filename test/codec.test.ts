import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { DayResult } from '../domain/day.ts';
import { AesGcmCodec } from '../runtime/codec/aes-gcm-codec.ts';
import { payloadConverter } from '../runtime/codec/converters.ts';
import { dataConverter } from '../runtime/codec/data-converter.ts';
import { failureOf, kill, stackFor, until } from './client/harness.ts';
import { client } from './support/client.ts';
import { start } from './support/processes.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });
const VALUE = { date: '2024-02-25', name: 'Молоко' };
const payload = () => defaultPayloadConverter.toPayload(VALUE);
const valueOf = ([found = {}]: Payload[] = []) => payloadConverter.fromPayload<typeof VALUE>(found);
const inWorkflow = (workflowId: string) => ({ type: 'workflow', namespace: 'default', workflowId }) as const;
const codecOf = (...ring: ReturnType<typeof key>[]) => new AesGcmCodec(ring, { acceptPlain: false });

test('what is encrypted reads as before, and only with the key', async () => {
  const [old, current] = [key('old'), key('current')];
  const encrypted = await codecOf(old).encode([payload()]);
  assert.doesNotMatch(Buffer.from(encrypted[0]?.data ?? []).toString('latin1'), /2024-02-25/);
  assert.deepEqual(valueOf(await codecOf(current, old).decode(encrypted)), VALUE);
  await assert.rejects(codecOf(current).decode(encrypted), /has no key "old"/);
  await assert.rejects(
    codecOf(key('old')).decode(encrypted),
    /it was altered, or key "old" in PAYLOAD_KEYS is not the key/,
  );
});

test('a payload that is not encrypted is refused, but during a change-over', async () => {
  const decoded = async (settings: Record<string, string> = {}) =>
    await dataConverter({ ...newKeys(), ...settings }).dataConverter.payloadCodecs?.[0]?.decode([payload()]);
  const refused = await decoded();
  assert.throws(() => valueOf(refused).date, {
    type: 'InvalidInput',
    message: /is not encrypted, and PAYLOAD_KEYS is set here.*PAYLOAD_ACCEPT_PLAIN=true/,
  });
  assert.deepEqual(valueOf(await decoded({ PAYLOAD_ACCEPT_PLAIN: 'true' })), VALUE);
});

test('a payload of one workflow is refused in another; the runs of a schedule share theirs', async () => {
  const codec = codecOf(key('k1'));
  const encrypted = await codec.encode([payload()], inWorkflow('daily-run'));
  // No workflow: the codec server is told none.
  for (const context of [...['daily-run', 'daily-run-2024-02-26T05:00:00Z'].map(inWorkflow), undefined])
    assert.deepEqual(valueOf(await codec.decode(encrypted, context)), VALUE);
  const refused = await codec.decode(encrypted, inWorkflow('another'));
  assert.throws(() => JSON.stringify(valueOf(refused)), /was encrypted for another workflow: daily-run/);
  const forged = encrypted.map((one) => ({
    ...one,
    metadata: { ...one.metadata, 'workflow-id': Buffer.from('another') },
  }));
  await assert.rejects(codec.decode(forged, inWorkflow('another')), /it was altered/);
});

function newKeys(): { PAYLOAD_KEYS: string } {
  return { PAYLOAD_KEYS: `k1:${randomBytes(32).toString('base64')}` };
}

test('with keys on both sides everything goes on, and a caller without the key starts and changes nothing', async (t) => {
  const settings = newKeys();
  const stack = await stackFor(t, { settings: { ...settings, FILES_TIMEOUT: '10m' } });
  const { taskQueue, environment } = stack;
  // `stack.client` has no key.
  const reading = new Client({ connection: stack.client.connection, ...dataConverter(settings) });

  // A day that waits until an update lets it go on, and whose progress is asked for meanwhile.
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }], { customer_research_inc: null });
  const waiting = start(['client/main.ts', 'run', '--date', '2024-02-25'], environment);
  t.after(() => kill(waiting));
  await waiting.says('Waiting for customer_research_inc');
  const [day, plainDay] = [reading, stack.client].map(({ workflow }) =>
    workflow.getHandle(`${taskQueue}-2024-02-25`),
  );
  assert.ok(day && plainDay);
  const goOn = { args: [['customer_research_inc']] as [string[]] };
  await assert.rejects(plainDay.executeUpdate('proceedWithout', goOn));
  assert.equal((await day.describe()).status.name, 'RUNNING');
  await day.executeUpdate('proceedWithout', goOn);
  assert.equal((await waiting.ended).code, 0, waiting.output());
  const plain = await stack.startDay('2024-02-27', { maxRejectedShare: 1 });
  const refused = await failureOf(reading.workflow.getHandle(plain.workflowId).result());
  assert.equal(refused.type, 'InvalidInput');
  assert.match(refused.message, /is not encrypted, and PAYLOAD_KEYS is set here/);

  // A day that fails, as the child of a backfill; every payload and every failure of it is encrypted.
  stack.deliveries.set('2024-02-26', '<html>a refused file</html>');
  const backfill = ['backfill', '--from', '2024-02-26', '--to', '2024-02-26', '--json'];
  const { code, stdout } = await client(backfill, environment);
  assert.equal(code, 1);
  assert.match(stdout, /user_order_log_inc of 2024-02-26 is refused: it is an HTML/);
  const [, , from, , to] = backfill;
  const child = `${taskQueue}-backfill-${from}-${to}-day-${from}`;
  // Search attributes are what Temporal searches by: no codec encrypts them.
  const history = JSON.stringify(
    await reading.workflow.getHandle(child).fetchHistory(),
    (key, value: unknown) => (key === 'searchAttributes' ? undefined : value),
  );
  const text = history.replace(/"[\w+/=]{8,}"/g, (base64) => Buffer.from(base64, 'base64').toString());
  assert.ok(text.includes('binary/encrypted') && text.includes('Encoded failure'));
  assert.ok(!/json\/plain|is refused|HTML/.test(text));

  // The second run of a schedule is handed the result of the first.
  const applied = await client(['schedule', 'apply', '--paused'], environment);
  assert.equal(applied.code, 0, applied.stderr);
  const schedule = reading.schedule.getHandle(`${taskQueue}-daily`);
  for (const count of [1, 2]) {
    await schedule.trigger();
    const runs = async () => (await schedule.describe()).info.recentActions;
    await until(`${count} runs`, async () => (await runs()).length === count);
    const { workflowId } = (await runs()).at(-1)?.action.workflow ?? { workflowId: '' };
    const result = (await reading.workflow.getHandle(workflowId).result()) as DayResult;
    assert.equal(result.outcome, 'no_increment');
  }
  await schedule.delete();
});
