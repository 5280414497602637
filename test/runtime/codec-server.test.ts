import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { freePort } from '../../dev/services/ports.ts';
import { AesGcmCodec } from '../../runtime/codec/aes-gcm-codec.ts';
import { codecServer } from '../../runtime/codec/server.ts';
import { start } from '../support/processes.ts';

const TOKEN = 'a-token-of-the-test';
const UI = 'http://ui.example';
const key = randomBytes(32);
const codec = new AesGcmCodec([{ id: 'k1', key }], { acceptPlain: true });
const options = { hosts: ['localhost', '127.0.0.1', '[::1]'], origin: UI, token: TOKEN, encodes: true };
const server = codecServer(codec, options).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
after(() => server.close());

interface Call {
  at?: number;
  path?: string;
  method?: string;
  headers?: Record<string, string>;
}

async function call(body: string, { at = port, path = '/decode', method = 'POST', headers }: Call = {}) {
  const sent = request({
    ...{ host: '127.0.0.1', port: at, path, method },
    headers: { host: `127.0.0.1:${at}`, origin: UI, authorization: `Bearer ${TOKEN}`, ...headers },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, body: text };
}

const NONE = '{"payloads":[]}';
const LONG = { length: 2_000_000_000 };
const payload = (data: unknown, metadata: unknown = {}) => ({ payloads: [{ metadata, data }] });

test('a body that is none is refused', async () => {
  const data = [{ type: 'Buffer', data: [1] }, [1, 2], 7, true, 'not base64!'];
  // What Buffer.from copies element by element.
  const metadata = [...[LONG, 7, [1], null].map((encoding) => ({ encoding })), LONG, [], 'text', 7];
  const payloads = [LONG, { 0: {}, length: 1 }, null, 'text', [null], [[]], [7]];
  for (const body of [
    ...[LONG, ...data].map((one) => payload(one)),
    ...metadata.map((one) => payload('', one)),
    ...payloads.map((one) => ({ payloads: one })),
    ...[{}, [], null, 7, 'text'],
  ]) {
    const { status, body: answer } = await call(JSON.stringify(body));
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(answer, /Expected \{\\"payloads\\": \[…\]\}/);
  }
  const many = Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [n, '']));
  for (const body of [
    ...['{"payloads":', '', '['.repeat(1_000_000)],
    JSON.stringify({ payloads: Array(1_000_000).fill({}) }),
    JSON.stringify(payload('', many)),
  ])
    assert.equal((await call(body)).status, 400, body.slice(0, 50));
  const tooLarge = await call(' '.repeat(16 * 1024 * 1024 + 1)).catch(() => ({ status: 413 }));
  assert.equal(tooLarge.status, 413);
});

test('what protobuf may leave out is taken as empty, and what it may add is ignored', async () => {
  const payloads = [{}, { metadata: null, data: null }, { data: '4pyT', externalPayloads: LONG }];
  const { status, body } = await call(JSON.stringify({ payloads, more: LONG }));
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body), {
    payloads: ['', '', '4pyT'].map((data) => ({ metadata: {}, data })),
  });
});

test('what it encrypts it decrypts, and a worker as well', async () => {
  const text = JSON.stringify(payload('4pyT', { encoding: 'anNvbg==' }));
  const encoded = await call(text, { path: '/namespaces/default/encode' });
  assert.equal(encoded.status, 200);
  const { payloads } = JSON.parse(encoded.body) as {
    payloads: { metadata: Record<string, string>; data: string }[];
  };
  const encrypted = payloads.map(({ metadata, data }) => ({
    metadata: Object.fromEntries(Object.entries(metadata).map(([n, v]) => [n, Buffer.from(v, 'base64')])),
    data: Buffer.from(data, 'base64'),
  }));
  assert.equal(String(encrypted[0]?.metadata['encoding']), 'binary/encrypted');
  const context = { type: 'workflow', namespace: 'default', workflowId: 'any' } as const;
  const [decrypted] = await codec.decode(encrypted, context);
  assert.equal(Buffer.from(decrypted?.data ?? []).toString(), '✓');
  const decoded = await call(encoded.body, { path: '/namespaces/default/decode' });
  assert.deepEqual(JSON.parse(decoded.body), JSON.parse(text));
  assert.equal(decoded.headers['access-control-allow-origin'], UI);
});

describe('who may call it (contract, ruling 42)', () => {
  const statusOf = async (headers: Record<string, string>, method = 'POST') =>
    (await call(method === 'POST' ? NONE : '', { headers, method })).status;

  test('by its own names, with any port and in any case, and by no other Host', async () => {
    for (const host of ['localhost', `localhost:${port}`, 'LocalHost:1', '127.0.0.1', '[::1]:8081'])
      assert.equal(await statusOf({ host }), 200, host);
    const others =
      'localhost/evil localhost/evil:80 localhost?evil localhost#evil localhost\\evil evil@localhost evil:evil@localhost ' +
      '%6cocalhost localhost.evil.example localhost:evil localhost:8081:8081 [::1]evil evil.example';
    for (const host of [...others.split(' '), 'local\thost', 'localhost, evil', 'localhost evil'])
      assert.equal(await statusOf({ host }), 421, host);
    for (const head of [
      'POST /decode HTTP/1.1\r\nHost: localhost\r\nHost: evil.example',
      'POST http://evil.example/decode HTTP/1.1\r\nHost: localhost',
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.end(
        `${head}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: ${NONE.length}\r\nConnection: close\r\n\r\n${NONE}`,
      );
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, head);
    }
  });

  test('pages of the UI, with the token', async () => {
    assert.equal(await statusOf({}), 200);
    assert.equal(await statusOf({ origin: 'http://attacker.example' }), 403);
    assert.equal(await statusOf({ authorization: 'Bearer another' }), 401);
    // A browser asks without it first.
    assert.equal(await statusOf({ authorization: '' }, 'OPTIONS'), 204);
    assert.equal(await statusOf({ origin: 'http://attacker.example' }, 'OPTIONS'), 403);
  });
});

test('off loopback the program wants a token; it is called by the names of its machine and of the UI, and encrypts only when told to', async (t) => {
  const at = await freePort();
  const settings = {
    PAYLOAD_KEYS: `k1:${key.toString('base64')}`,
    CODEC_SERVER_ADDRESS: `0.0.0.0:${at}`,
    TEMPORAL_UI_URL: UI,
  };
  const refused = await start(['runtime/codec/main.ts'], settings).ended;
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /CODEC_SERVER_TOKEN is not set/);
  const program = start(['runtime/codec/main.ts'], { ...settings, CODEC_SERVER_TOKEN: TOKEN });
  t.after(() => program.kill('SIGKILL'));
  await program.says('codec server at');
  assert.equal((await call(NONE, { at })).status, 200);
  assert.equal((await call(NONE, { at, headers: { host: 'ui.example' } })).status, 200);
  assert.equal((await call(NONE, { at, headers: { authorization: '' } })).status, 401);
  assert.equal((await call(NONE, { at, path: '/encode' })).status, 403);
  program.kill('SIGTERM');
  assert.equal((await program.ended).code, 0);
});
