import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { client, start } from '../support/processes.ts';
import { kill, stackFor } from './harness.ts';

const keys = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

/** What each side has, and what the client must say within seconds. */
const cases: [string, Record<string, string>, Record<string, string>, RegExp][] = [
  [
    'at the client alone',
    {},
    { PAYLOAD_KEYS: keys('a') },
    /The worker cannot run .* reports: ".*PAYLOAD_KEYS is not set here/,
  ],
  [
    'at the worker alone',
    { PAYLOAD_KEYS: keys('a') },
    {},
    /(Cannot read the result|The answer) of .*PAYLOAD_KEYS is not set here/,
  ],
  [
    'of two kinds',
    { PAYLOAD_KEYS: keys('a') },
    { PAYLOAD_KEYS: keys('b') },
    /The worker cannot run|(Cannot read the result|The answer) of .*PAYLOAD_KEYS has no key "[ab]"/,
  ],
];

for (const [where, ofWorker, ofClient, words] of cases) {
  test(`keys ${where}: the client says so while it waits`, async (t) => {
    const stack = await stackFor(t, { settings: ofWorker });
    stack.deliveries.set('2024-03-04', [{ uniq_id: 'a' }]);
    const env = { ...stack.environment, PAYLOAD_KEYS: '', ...ofClient };
    const run = start(['client/main.ts', 'run', '--date', '2024-03-04'], env);
    t.after(() => kill(run));
    await run.says('PAYLOAD_KEYS');
    assert.match(run.output(), words);
    assert.doesNotMatch(run.output(), /^ +at /m);
  });
}

test('a result that the client has no key for ends it with 1 and words', async (t) => {
  const stack = await stackFor(t, { settings: { PAYLOAD_KEYS: keys('a'), PAYLOAD_ACCEPT_PLAIN: 'true' } });
  stack.deliveries.set('2024-03-04', [{ uniq_id: 'a' }]);
  const ended = await client(['run', '--date', '2024-03-04', '--json'], {
    ...stack.environment,
    PAYLOAD_KEYS: '',
  });
  assert.equal(ended.code, 1);
  const { error } = JSON.parse(ended.stdout) as { error: string };
  assert.match(error, /^Cannot read the result of .*2024-03-04: .*PAYLOAD_KEYS is not set here/);
});
