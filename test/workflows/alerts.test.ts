import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { WorkflowExecutionInfo } from '@temporalio/client';
import { kill, stackFor, startWorkerProcess, until } from '../client/harness.ts';
import { resetPoints, resetRun } from '../support/reset.ts';
import type { StackOptions, TestStack } from '../support/stack.ts';

interface Message {
  text: string;
  kind: string;
  date: string;
  url: string;
  next: string;
}

/** Receives alerts. */
class Webhook {
  readonly messages: Message[] = [];
  /** Calls that it has not answered with 200. */
  refused = 0;
  /** What it answers; undefined: nothing at all. */
  status: number | undefined = 200;
  url = '';

  static async start(t: TestContext): Promise<Webhook> {
    const webhook = new Webhook();
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { status } = webhook;
        if (status === 200) webhook.messages.push(JSON.parse(body) as Message);
        else webhook.refused += 1;
        if (status !== undefined) response.writeHead(status).end('ok');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    webhook.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/T0SECRET`;
    return webhook;
  }

  async received(count: number): Promise<void> {
    await until(`${count} messages`, () => this.messages.length >= count);
  }
}

async function stackWith(t: TestContext, webhook: Webhook, options: StackOptions = {}): Promise<TestStack> {
  const settings = { ALERT_WEBHOOK_URL: webhook.url, TEMPORAL_UI_URL: 'http://ui.example' };
  return await stackFor(t, { ...options, settings });
}

/** The workflows that send the alerts of a stack. */
async function sentAlerts(stack: TestStack): Promise<WorkflowExecutionInfo[]> {
  const query = `WorkflowType = "salesAlert" and WorkflowId starts_with "${stack.taskQueue}"`;
  const found: WorkflowExecutionInfo[] = [];
  for await (const one of stack.client.workflow.list({ query })) found.push(one);
  return found;
}

/** Waits until they have ended; returns how. */
async function endedAlerts(stack: TestStack, count: number): Promise<string[]> {
  let statuses: string[] = [];
  await until('the alerts have ended', async () => {
    statuses = (await sentAlerts(stack)).map(({ status }) => status.name);
    return statuses.length === count && !statuses.includes('RUNNING');
  });
  return statuses;
}

test('one message for a failed day, with what to do next and a link', async (t) => {
  const webhook = await Webhook.start(t);
  const stack = await stackWith(t, webhook);
  stack.deliveries.set('2024-02-25', '');
  const handle = await stack.startDay('2024-02-25');
  await assert.rejects(handle.result());
  assert.deepEqual(await endedAlerts(stack, 1), ['COMPLETED']);
  assert.equal(webhook.messages.length, 1);
  const [message] = webhook.messages;
  assert.equal(message?.kind, 'failed');
  assert.equal(message.date, '2024-02-25');
  assert.match(
    message.text,
    /Sales of 2024-02-25 failed: user_order_log_inc of 2024-02-25 is refused: the file is empty/,
  );
  assert.match(message.next, /Nothing was changed/);
  assert.match(message.url, /^http:\/\/ui\.example\/namespaces\/default\/workflows\/test-/);
});

test('one message for a day that is late, while it goes on', async (t) => {
  const webhook = await Webhook.start(t);
  const stack = await stackWith(t, webhook);
  stack.api.setReady({ readyAfterMs: 3_000 });
  stack.deliveries.set('2024-02-26', [{ uniq_id: 'a' }]);
  const handle = await stack.startDay('2024-02-26', { lateAfterMs: 500 });
  await webhook.received(1);
  assert.equal((await handle.describe()).status.name, 'RUNNING');
  assert.equal((await handle.result()).outcome, 'loaded');
  assert.deepEqual(await endedAlerts(stack, 1), ['COMPLETED']);
  assert.deepEqual(
    webhook.messages.map(({ kind, date }) => ({ kind, date })),
    [{ kind: 'late', date: '2024-02-26' }],
  );
});

test('a day that has sent an alert can be reset to any point', { timeout: 120_000 }, async (t) => {
  const webhook = await Webhook.start(t);
  const stack = await stackWith(t, webhook);
  stack.api.setReady({ readyAfterMs: 1_000 });
  stack.deliveries.set('2024-02-26', [{ uniq_id: 'a' }]);
  const handle = await stack.startDay('2024-02-26', { lateAfterMs: 300, reportPollIntervalMs: 500 });
  await handle.result();
  stack.api.setReady({ readyAfterMs: 0 });
  const points = await resetPoints(stack, handle.workflowId, handle.firstExecutionRunId);
  for (const point of points)
    assert.equal(
      await resetRun(stack, handle.workflowId, handle.firstExecutionRunId, point),
      'loaded',
      `event ${String(point)}`,
    );
  assert.equal(webhook.messages[0]?.kind, 'late');
});

test('a webhook that does not work delays no day; the message arrives when it works again', async (t) => {
  const webhook = await Webhook.start(t);
  const stack = await stackWith(t, webhook);
  webhook.status = 500;
  stack.api.setReady({ readyAfterMs: 1_000 });
  stack.deliveries.set('2024-02-27', [{ uniq_id: 'a' }]);
  const handle = await stack.startDay('2024-02-27', { lateAfterMs: 100 });
  assert.equal((await handle.result()).outcome, 'loaded');
  await until('it was tried twice', () => webhook.refused >= 2);
  webhook.status = 200;
  assert.deepEqual(await endedAlerts(stack, 1), ['COMPLETED']);
  assert.deepEqual(
    webhook.messages.map(({ kind }) => kind),
    ['late'],
  );
  const [alert] = await sentAlerts(stack);
  const alertId = alert?.workflowId ?? '';
  assert.ok(alertId.startsWith(`${handle.workflowId}-alert-late-`), alertId);
  for (const workflowId of [handle.workflowId, alertId]) {
    const history = JSON.stringify(
      await stack.client.workflow.getHandle(workflowId).fetchHistory(),
      (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value),
    );
    assert.match(history, /2024-02-27/);
    assert.doesNotMatch(history, /T0SECRET/);
  }
});

test('a worker that is killed while it sends a message does not lose it', async (t) => {
  const webhook = await Webhook.start(t);
  const stack = await stackWith(t, webhook, { worker: false });
  const first = await startWorkerProcess(t, stack);
  webhook.status = undefined;
  stack.deliveries.set('2024-02-28', '');
  await assert.rejects((await stack.startDay('2024-02-28')).result());
  await until('the call has begun', () => webhook.refused === 1);
  await kill(first);
  webhook.status = 200;
  await startWorkerProcess(t, stack);
  assert.deepEqual(await endedAlerts(stack, 1), ['COMPLETED']);
  assert.deepEqual(
    webhook.messages.map(({ kind, date }) => ({ kind, date })),
    [{ kind: 'failed', date: '2024-02-28' }],
  );
});

test('words from outside are escaped for Slack, and hold no control characters', async (t) => {
  const webhook = await Webhook.start(t);
  const stack = await stackWith(t, webhook, { api: { pollsUntilReady: 0 } });
  const status = '<!channel> & <https://evil.example|click>\u001b]0;title\u0007';
  stack.api.addFault({ on: 'get_report', do: 'report-status', status });
  await assert.rejects((await stack.startDay('2024-02-25')).result());
  await webhook.received(1);
  const { text = '' } = webhook.messages[0] ?? {};
  assert.match(text, /&lt;!channel&gt; &amp; &lt;https:\/\/evil\.example\|click&gt;/);
  assert.doesNotMatch(text, /[<>]|&(?!amp;|lt;|gt;)/);
  assert.match(text, /^(?:[^\p{Cc}]|\n)+$/u);
});
