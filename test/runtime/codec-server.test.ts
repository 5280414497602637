import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { freePort } from '../../dev/services/ports.ts';
import { start } from '../support/processes.ts';

const port = await freePort();
const server = start(['runtime/codec/main.ts'], {
  PAYLOAD_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  CODEC_SERVER_ADDRESS: `127.0.0.1:${port}`,
  CODEC_SERVER_ENCODE: 'true',
});
await server.says('codec server at');
// Also behind every body below.
after(async () => {
  server.kill('SIGTERM');
  assert.equal((await server.ended).code, 0);
});

interface Answer {
  status: number | undefined;
  body: string;
}

async function post(body: string, { host = `127.0.0.1:${port}`, path = '/decode' } = {}): Promise<Answer> {
  const call = request({ host: '127.0.0.1', port, path, method: 'POST', headers: { host } });
  call.end(body);
  const [response] = (await once(call, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, body: text };
}

const LONG = { length: 2_000_000_000 };
const payload = (data: unknown, metadata: unknown = {}) => ({ payloads: [{ metadata, data }] });

for (const body of [
  // What Buffer.from copies element by element.
  payload(LONG),
  payload('', { encoding: LONG }),
  payload('', LONG),
  payload({ type: 'Buffer', data: [1] }),
  payload([1, 2]),
  payload(7),
  payload(true),
  payload('not base64!'),
  payload('', { encoding: 7 }),
  payload('', { encoding: [1] }),
  payload('', { encoding: null }),
  payload('', []),
  payload('', 'text'),
  payload('', 7),
  { payloads: LONG },
  { payloads: { 0: {}, length: 1 } },
  { payloads: null },
  { payloads: 'text' },
  { payloads: [null] },
  { payloads: [[]] },
  { payloads: [7] },
  {},
  [],
  null,
  7,
  'text',
])
  test(`a body that is none is refused: ${JSON.stringify(body)}`, async () => {
    const { status, body: answer } = await post(JSON.stringify(body));
    assert.equal(status, 400);
    assert.match(answer, /Expected \{\\"payloads\\": \[…\]\}/);
  });

for (const [name, body] of [
  ['no JSON', '{"payloads":'],
  ['nothing', ''],
  ['brackets without end', '['.repeat(1_000_000)],
  ['more payloads than an answer has', JSON.stringify({ payloads: Array(1_000_000).fill({}) })],
  [
    'more metadata than a payload has',
    JSON.stringify(payload('', Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [n, ''])))),
  ],
] as const)
  test(`a body that is none is refused: ${name}`, async () => {
    assert.equal((await post(body)).status, 400);
  });

test('a body that is too large is refused, and told so', async () => {
  const answer = await post(' '.repeat(16 * 1024 * 1024 + 1)).catch(() => ({ status: 413 }));
  assert.equal(answer.status, 413);
});

test('what protobuf may leave out is taken as empty, and what it may add is ignored', async () => {
  const body = {
    payloads: [{}, { metadata: null, data: null }, { data: '4pyT', externalPayloads: LONG }],
    more: LONG,
  };
  const { status, body: answer } = await post(JSON.stringify(body));
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(answer), {
    payloads: [
      { metadata: {}, data: '' },
      { metadata: {}, data: '' },
      { metadata: {}, data: '4pyT' },
    ],
  });
});

test('its own names are answered, with any port and in any case', async () => {
  for (const host of ['localhost', `localhost:${port}`, 'LocalHost:1', '127.0.0.1', '[::1]:8081'])
    assert.equal((await post('{"payloads":[]}', { host })).status, 200, host);
});

for (const host of [
  ...'localhost/evil localhost/evil:80 localhost?evil localhost#evil localhost\\evil evil@localhost'.split(
    ' ',
  ),
  ...'evil:evil@localhost %6cocalhost localhost.evil.example localhost:evil localhost:8081:8081'.split(' '),
  ...['local\thost', 'localhost, evil', 'localhost evil', '[::1]evil', 'evil.example'],
])
  test(`another Host is refused: ${JSON.stringify(host)}`, async () => {
    assert.equal((await post('{"payloads":[]}', { host })).status, 421);
  });

test('two Hosts, and a target that names another one, are refused', async () => {
  for (const head of [
    'POST /decode HTTP/1.1\r\nHost: localhost\r\nHost: evil.example',
    'POST http://evil.example/decode HTTP/1.1\r\nHost: localhost',
  ]) {
    const socket = connect(port, '127.0.0.1');
    socket.end(`${head}\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{"payloads":[]}`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, head);
  }
});
