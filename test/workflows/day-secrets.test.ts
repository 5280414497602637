import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { request } from 'undici';
import { freePort } from '../../dev/services/ports.ts';
import { eachDay } from '../../domain/load-date.ts';
import { callsOf, failureOf, kill, stackFor, startWorkerProcess, until } from '../client/harness.ts';
import { client } from '../support/client.ts';
import type { TestStack } from '../support/stack.ts';

const KEY = 'k-5f0c1d-secret-of-the-api';

/** All text of a history: its strings, and its payloads decoded. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value === 'string') return value;
  if (value === null || typeof value !== 'object') return '';
  return Object.entries(value)
    .map(([name, member]) => `${name}\n${textOf(member)}`)
    .join('\n');
}

async function historyOf({ client }: TestStack, workflowId: string): Promise<string> {
  return textOf(await client.workflow.getHandle(workflowId).fetchHistory());
}

/** Receives alerts. */
class Webhook {
  readonly messages: Record<'text' | 'kind' | 'date' | 'url' | 'next', string>[] = [];
  /** Calls that it has not answered with 200. */
  refused = 0;
  /** What it answers; undefined: nothing at all. */
  status: number | undefined = 500;
  readonly server = createServer((request, response) => {
    void text(request).then((body) => {
      if (this.status === 200) this.messages.push(JSON.parse(body) as Webhook['messages'][number]);
      else this.refused += 1;
      if (this.status !== undefined) response.writeHead(this.status).end('ok');
    });
  });

  async untilRefused(what: string): Promise<void> {
    const before = this.refused;
    await until(what, () => this.refused > before);
  }
}

test('no secret stands in a history, a log, a message or the database; no fault ends the worker, and each failed day is told although it dies', async (t) => {
  const webhook = new Webhook();
  await once(webhook.server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    webhook.server.close();
    webhook.server.closeAllConnections();
  });
  const METRICS_ADDRESS = `127.0.0.1:${await freePort()}`;
  const stack = await stackFor(t, {
    worker: false,
    api: { apiKey: KEY, pollsUntilReady: 0 },
    settings: {
      REPORT_API_KEY: KEY,
      REPORT_API_TIMEOUT: '500ms',
      DOWNLOAD_IDLE_TIMEOUT: '500ms',
      ALERT_WEBHOOK_URL: `http://127.0.0.1:${(webhook.server.address() as AddressInfo).port}/hooks/T0-webhook-secret`,
      TEMPORAL_UI_URL: 'http://ui.example',
      METRICS_ADDRESS,
    },
  });
  const password = decodeURIComponent(new URL(stack.db.url).password);
  assert.ok(password.length >= 6, 'a password that is worth looking for');
  const worker = await startWorkerProcess(t, stack);
  const died = worker.ended.then(() => assert.fail('the worker has ended'));
  died.catch(() => undefined);
  const run = (date: string, options = {}) => Promise.race([stack.runDay(date, options), died]);

  // A day that meets faults at every step, and loads.
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
  const file = { file: 'price_log_inc', date: '2024-02-25', on: 'storage' } as const;
  stack.api.addFault({ on: 'generate_report', do: 'reset' });
  stack.api.addFault({ on: 'get_report', do: 'status', status: 503 });
  stack.api.addFault({ on: 'get_increment', date: '2024-02-25', do: 'hang' });
  stack.api.addFault({ ...file, do: 'status', status: 503 });
  stack.api.addFault({ ...file, do: 'status', status: 404 });
  stack.api.addFault({ ...file, file: 'user_order_log_inc', do: 'reset', afterBytes: 9 });
  stack.api.addFault({ ...file, file: 'user_activity_log_inc', do: 'hang' });
  assert.equal((await run('2024-02-25')).outcome, 'loaded');

  // Days that fail: an address that is not followed, a file that is never there, a report that is none, a wrong key.
  const url = 'ftp://user:storage-password@host/x?X-Amz-Signature=signature-of-ftp';
  stack.deliveries.set('2024-02-26', [{ uniq_id: 'b' }], { price_log_inc: { url } });
  stack.deliveries.set('2024-02-27', [{ uniq_id: 'c' }]);
  stack.api.addFault({ on: 'storage', date: '2024-02-27', times: -1, do: 'status', status: 403 });
  const [unsafe, missing] = await Promise.all([
    failureOf(run('2024-02-26')),
    failureOf(run('2024-02-27', { filesTimeoutMs: 500 })),
  ]);
  assert.deepEqual([unsafe.type, missing.type], ['UnsafeAddress', 'FilesMissing']);
  const status = '<!channel> & <https://evil.example|click>\u001b]0;title\u0007';
  const body = JSON.stringify({ status });
  stack.api.addFault({ on: 'get_report', do: 'status', status: 200, body });
  assert.equal((await failureOf(run('2024-02-28'))).type, 'ReportFailed');
  stack.api.addFault({ on: 'generate_report', do: 'status', status: 401 });
  assert.equal((await failureOf(run('2024-02-29'))).type, 'ReportApiUnauthorized');
  const metrics = await (await request(`http://${METRICS_ADDRESS}/metrics`)).body.text();
  await webhook.untilRefused('the webhook has refused a message');
  webhook.status = undefined;
  await webhook.untilRefused('a call has begun that is not answered');
  await kill(worker);
  webhook.status = 200;

  // A worker whose database is not there, and its last step.
  const lost = new URL(stack.db.url);
  lost.pathname = '/no_such_database';
  const other = await startWorkerProcess(t, stack, { DATABASE_URL: lost.href });
  const stuck = await stack.startDay('2024-03-01');
  await other.says('no_such_database');
  await stuck.terminate();

  const told = () => new Set(webhook.messages.map(({ date }) => date));
  await until('all four are told', () => told().size === 4);
  assert.ok(webhook.messages.every(({ kind }) => kind === 'failed'));
  const message = webhook.messages.find(({ date }) => date === '2024-02-28');
  // Slack's control characters are escaped, and others left out.
  assert.match(message?.text ?? '', /&lt;!channel&gt; &amp; &lt;https:\/\/evil\.example\|click&gt;/);
  assert.doesNotMatch(message?.text ?? '', /[<>]|&(?!amp;|lt;|gt;)/);
  assert.match(message?.text ?? '', /^(?:[^\p{Cc}]|\n)+$/u);
  assert.match(message?.next ?? '', /Run the day again/);
  assert.match(message?.url ?? '', /^http:\/\/ui\.example\/namespaces\/default\/workflows\/test-/);

  const ids = eachDay('2024-02-25', '2024-03-01').map((date) => `${stack.taskQueue}-${date}`);
  const alerts = stack.client.workflow.list({
    query: `WorkflowType = "salesAlert" and WorkflowId starts_with "${stack.taskQueue}"`,
  });
  for await (const { workflowId } of alerts) ids.push(workflowId);
  assert.ok(ids.length >= 10, String(ids));
  const histories = await Promise.all(ids.map((id) => historyOf(stack, id)));
  const places = {
    'the first worker': worker.output(),
    'the second worker': other.output(),
    'the database': JSON.stringify(await stack.rows('select * from staging.day_load, staging.file_load')),
    'the messages': JSON.stringify(webhook.messages),
    'the metrics': metrics,
    'status --json': (await client(['status', '--json'], stack.environment)).stdout,
    ...Object.fromEntries(histories.map((history, index) => [`history of ${ids[index] ?? ''}`, history])),
  };
  // What is looked through is what it should be.
  assert.match(places['the first worker'], /the storage answered 503/);
  assert.match(places['the first worker'], /The alert webhook answered 500/);
  assert.match(places['the database'], /FilesMissing/);
  assert.match(places['the metrics'], /sales_rows_total/);
  assert.match(places['status --json'], /"state": "failed"/);
  for (const history of histories) assert.match(history, /2024-0[23]-\d\d/);
  assert.match(histories[2] ?? '', /Download of price_log_inc from .*: the storage answered 403/);

  const signatures = callsOf(stack, 'storage').map(({ path }) => /Signature=(\w+)/.exec(path)?.[1] ?? '');
  assert.ok(signatures.length >= 8 && signatures.every((signature) => signature.length === 64));
  const secrets = [
    ...[KEY, password, 'webhook-secret', 'X-Amz-', 'storage-password', 'signature-of-ftp'],
    ...new Set(signatures),
  ];
  for (const [place, text] of Object.entries(places)) {
    for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} stands in ${place}`);
  }
});
