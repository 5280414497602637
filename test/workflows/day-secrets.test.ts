import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from 'undici';
import { freePort } from '../../dev/services/ports.ts';
import { callsOf, failureOf, kill, stackFor, startWorkerProcess } from '../client/harness.ts';
import { client } from '../support/processes.ts';
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

async function historyOf(stack: TestStack, id: string): Promise<string> {
  const handle = stack.client.workflow.getHandle(`${stack.taskQueue}-${id}`);
  return textOf(await handle.fetchHistory());
}

test('no secret stands in a history, a log or the database, and no fault ends the worker', async (t) => {
  const metricsAddress = `127.0.0.1:${await freePort()}`;
  const stack = await stackFor(t, {
    worker: false,
    api: { apiKey: KEY, pollsUntilReady: 0 },
    settings: {
      REPORT_API_KEY: KEY,
      REPORT_API_TIMEOUT: '500ms',
      DOWNLOAD_IDLE_TIMEOUT: '500ms',
      // Nobody listens there.
      ALERT_WEBHOOK_URL: 'http://127.0.0.1:9/hooks/T0-webhook-secret',
      METRICS_ADDRESS: metricsAddress,
    },
  });
  const password = decodeURIComponent(new URL(stack.db.url).password);
  assert.ok(password.length >= 6, 'a password that is worth looking for');
  const worker = await startWorkerProcess(t, stack);
  const died = worker.ended.then(() => assert.fail('the worker has ended'));
  died.catch(() => undefined);
  const ids: string[] = [];
  const run = async (id: string, date: string, options = {}) => {
    ids.push(id);
    return await Promise.race([stack.runDay(date, options, id), died]);
  };

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
  assert.equal((await run('loaded', '2024-02-25', { filesTimeoutMs: 120_000 })).outcome, 'loaded');

  // Days that fail: an address that is not followed, a file that is never there, a key that is refused.
  const url = 'ftp://user:storage-password@host/x?X-Amz-Signature=signature-of-ftp';
  stack.deliveries.set('2024-02-26', [{ uniq_id: 'b' }], { price_log_inc: { url } });
  stack.deliveries.set('2024-02-27', [{ uniq_id: 'c' }]);
  stack.api.addFault({
    on: 'storage',
    date: '2024-02-27',
    times: -1,
    do: 'status',
    status: 403,
  });
  const [unsafe, missing] = await Promise.all([
    failureOf(run('unsafe', '2024-02-26')),
    failureOf(run('missing', '2024-02-27', { filesTimeoutMs: 500 })),
  ]);
  assert.deepEqual([unsafe.type, missing.type], ['UnsafeAddress', 'FilesMissing']);
  stack.api.addFault({ on: 'generate_report', do: 'status', status: 401 });
  assert.equal((await failureOf(run('refused', '2024-02-28'))).type, 'ReportApiUnauthorized');
  const metrics = await (await request(`http://${metricsAddress}/metrics`)).body.text();
  await kill(worker);

  // A worker whose database is not there, and its last step.
  const lost = new URL(stack.db.url);
  lost.pathname = '/no_such_database';
  const other = await startWorkerProcess(t, stack, { DATABASE_URL: lost.href });
  const stuck = await stack.startDay('2024-02-29', {}, 'no-database');
  ids.push('no-database');
  await other.says('no_such_database');
  await stuck.terminate();

  const signatures = callsOf(stack, 'storage').map(({ path }) => /Signature=(\w+)/.exec(path)?.[1] ?? '');
  assert.ok(signatures.length >= 8 && signatures.every((signature) => signature.length === 64));
  const recorded = await stack.rows('select * from staging.day_load, staging.file_load');
  const alerts: string[] = [];
  const query = `WorkflowType = "salesAlert" and WorkflowId starts_with "${stack.taskQueue}"`;
  for await (const { workflowId } of stack.client.workflow.list({ query }))
    alerts.push(workflowId.slice(stack.taskQueue.length + 1));
  assert.ok(alerts.length >= 3, String(alerts));
  const places = {
    'the first worker': worker.output(),
    'the second worker': other.output(),
    'the database': JSON.stringify(recorded),
    'the metrics': metrics,
    'status --json': (await client(['status', '--json'], stack.environment)).stdout,
    ...Object.fromEntries(
      await Promise.all(
        [...ids, ...alerts].map(async (id) => [`history of ${id}`, await historyOf(stack, id)] as const),
      ),
    ),
  };
  // What is looked through is what it should be.
  assert.match(places['the first worker'], /the storage answered 503/);
  assert.match(places['the database'], /FilesMissing/);
  assert.match(places['the metrics'], /sales_rows_total/);
  assert.match(places['status --json'], /"state": "failed"/);
  assert.match(places['the first worker'], /The alert webhook could not be called/);
  for (const id of ids.slice(0, 4)) assert.match(await historyOf(stack, id), /2024-02-2\d/);
  assert.match(
    await historyOf(stack, 'missing'),
    /Download of price_log_inc from .*: the storage answered 403/,
  );

  const secrets = [
    KEY,
    password,
    'webhook-secret',
    'X-Amz-',
    'storage-password',
    'signature-of-ftp',
    ...new Set(signatures),
  ];
  for (const [place, text] of Object.entries(places)) {
    for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} stands in ${place}`);
  }
});
