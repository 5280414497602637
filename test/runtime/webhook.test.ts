import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { postJson } from '../../activities/webhook.ts';

const MESSAGE = { text: 'Продажи' };
const BODY = JSON.stringify(MESSAGE);

/** A receiver that answers, once it has the whole message, with these bytes; returns its address and what it was sent. */
async function receiver(t: TestContext, answer: string | ((socket: Socket) => void)) {
  const received: string[] = [];
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (!text.endsWith(BODY)) return;
      received.push(text);
      if (typeof answer === 'string') socket.end(answer);
      else answer(socket);
    });
    t.after(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}/hook?key=1`), received };
}

const never = new AbortController().signal;

const OK = 'HTTP/1.1 200 OK\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
for (const [name, answer, status] of [
  ['nothing else', `${OK}Content-Length: 0\r\n\r\n`, 200],
  ['another 2xx', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
  ['20 KiB of headers', `${OK}X-Large: ${'x'.repeat(20_000)}\r\n\r\nok`, 200],
  ['2 MiB of headers', `${OK}X-Large: ${'x'.repeat(2_000_000)}\r\n\r\nok`, 200],
  ['an unasked 100 Continue', `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`, 200],
  ['a hundred early hints', `${HINTS.repeat(100)}HTTP/1.1 100 Continue\r\n\r\n${OK}\r\n`, 200],
  ['headers that are none', `${OK}no header at all\r\n\0: \r\n\r\n`, 200],
  ['two lengths', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`, 200],
  ['a broken body', `${OK}Transfer-Encoding: chunked\r\n\r\nthis is no chunk`, 200],
  ['half an answer', `${OK}Content-Len`, 200],
  ['a refusal', 'HTTP/1.1 500 Internal Server Error\r\n\r\n', 500],
  ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n', 302],
] as const)
  test(`the status of an answer is its word: ${name}`, async (t) => {
    const { url, received } = await receiver(t, answer);
    assert.equal(await postJson(url, MESSAGE, never), status);
    assert.equal(received.length, 1);
    assert.match(received[0] ?? '', /^POST \/hook\?key=1 HTTP\/1\.1\r\n/);
  });

test('a status that comes in two pieces, and an answer that is cut off by force', async (t) => {
  const { url } = await receiver(t, (socket) => {
    socket.write('HTTP/1.1 20');
    setTimeout(
      () => socket.write('0 OK\r\nContent-Length: 9\r\n\r\nhalf', () => socket.resetAndDestroy()),
      50,
    );
  });
  assert.equal(await postJson(url, MESSAGE, never), 200);
});

test('an answer that never ends is left after a while', async (t) => {
  const closed: Promise<unknown>[] = [];
  const { url } = await receiver(t, (socket) => {
    closed.push(once(socket, 'close'));
    socket.write(`${OK}Content-Length: 1000000\r\n\r\n`);
  });
  assert.equal(await postJson(url, MESSAGE, never), 200);
  assert.equal((await Promise.all(closed)).length, 1);
});

for (const [name, answer] of [
  ['no answer', ''],
  ['an interim answer alone', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['a hundred interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
] as const)
  test(`without a status nothing was said: ${name}`, async (t) => {
    const { url } = await receiver(t, answer);
    await assert.rejects(postJson(url, MESSAGE, never));
  });

test('a receiver that says nothing is given up by the signal', async (t) => {
  const controller = new AbortController();
  const { url } = await receiver(t, () => controller.abort());
  await assert.rejects(postJson(url, MESSAGE, controller.signal), { name: 'AbortError' });
});
