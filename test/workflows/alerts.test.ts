import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { TestStack } from '../support/stack.ts';

interface Message {
  text: string;
  kind: string;
  date: string;
  url: string;
  next: string;
}

let receiver: Server;
let stack: TestStack;
let status = 200;
const messages: Message[] = [];

before(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (status === 200) messages.push(JSON.parse(body) as Message);
      response.writeHead(status).end('ok');
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  stack = await TestStack.start({
    settings: {
      ALERT_WEBHOOK_URL: `http://127.0.0.1:${port}/hook/T0SECRET`,
      TEMPORAL_UI_URL: 'http://ui.example',
    },
  });
});
after(async () => {
  await stack.close();
  receiver.close();
});

test('a failed day is told once, with what to do next and a link', async () => {
  stack.deliveries.set('2024-02-25', '');
  const handle = await stack.startDay('2024-02-25');
  await assert.rejects(handle.result());
  assert.equal(messages.length, 1);
  const [message] = messages;
  assert.equal(message?.kind, 'failed');
  assert.equal(message.date, '2024-02-25');
  assert.match(
    message.text,
    /Sales of 2024-02-25 failed: user_order_log_inc of 2024-02-25 is refused: the file is empty/,
  );
  assert.match(message.next, /Nothing was changed/);
  assert.match(message.url, /^http:\/\/ui\.example\/namespaces\/default\/workflows\/test-/);
});

test('a day that is late is told once while it goes on', async () => {
  messages.length = 0;
  stack.api.setReady({ readyAfterMs: 2_000 });
  stack.deliveries.set('2024-02-26', [{ uniq_id: 'a' }]);
  const result = await stack.runDay('2024-02-26', { lateAfterMs: 500 });
  assert.equal(result.outcome, 'loaded');
  assert.deepEqual(
    messages.map(({ kind, date }) => ({ kind, date })),
    [{ kind: 'late', date: '2024-02-26' }],
  );
});

test(
  'a webhook that does not work fails no day, and its address stays secret',
  { timeout: 60_000 },
  async () => {
    status = 500;
    stack.api.setReady({ readyAfterMs: 1_000 });
    stack.deliveries.set('2024-02-27', [{ uniq_id: 'a' }]);
    const handle = await stack.startDay('2024-02-27', { lateAfterMs: 100 });
    assert.equal((await handle.result()).outcome, 'loaded');
    assert.doesNotMatch(JSON.stringify(await handle.fetchHistory()), /T0SECRET/);
  },
);
