import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { request } from 'undici';
import { freePort } from '../dev/services/ports.ts';
import { SettingsError } from '../runtime/settings.ts';
import { until } from './client/harness.ts';
import { start, startWorkerProcess } from './support/processes.ts';
import { TestStack } from './support/stack.ts';

async function get(address: string, path: string): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(`http://${address}${path}`);
  return { status: statusCode, text: await body.text() };
}

const stack = await TestStack.start({ worker: false });
after(() => stack.close());

test('the worker serves health and metrics, and stops on SIGTERM with 0', async () => {
  const METRICS_ADDRESS = `localhost:${await freePort()}`;
  const HEALTH_ADDRESS = `[::1]:${await freePort()}`;
  const worker = await startWorkerProcess({ ...stack.environment, METRICS_ADDRESS, HEALTH_ADDRESS });
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }, { uniq_id: 'a' }, { uniq_id: '' }]);
  await stack.runDay('2024-02-25', { maxRejectedShare: 0.5 });
  assert.deepEqual(await get(HEALTH_ADDRESS, '/healthz'), { status: 200, text: 'ok\n' });
  assert.deepEqual(await get(HEALTH_ADDRESS, '/readyz'), { status: 200, text: 'ready\n' });
  assert.equal((await get(HEALTH_ADDRESS, '/other')).status, 404);
  const { text } = await get(METRICS_ADDRESS, '/metrics');
  for (const [kind, count] of Object.entries({ read: 3, kept: 1, duplicate: 1, rejected: 1 })) {
    const line = text
      .split('\n')
      .find((l) => l.startsWith('sales_rows') && l.includes('user_order_log_inc') && l.includes(`"${kind}"`));
    assert.equal(line?.split(' ').at(-1), String(count), line ?? `no line of ${kind}`);
  }
  assert.match(text, /^sales_bytes_total\{.*file="price_log_inc"/m);
  assert.match(text, /^sales_days_missing/m);
  assert.match(text, /^temporal_activity_execution_latency_seconds_bucket/m);
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
});

test('metrics are pushed to a collector instead', async (t) => {
  const requests: string[] = [];
  const bodies: string[] = [];
  const collector = createHttpServer((request, response) => {
    requests.push([request.method, request.url, request.headers['content-type']].join(' '));
    void text(request).then((body) => {
      bodies.push(body);
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  t.after(() => collector.close());
  const METRICS_ADDRESS = `127.0.0.1:${await freePort()}`;
  const worker = await startWorkerProcess({
    ...stack.environment,
    METRICS_ADDRESS,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/metrics`,
  });
  await assert.rejects(get(METRICS_ADDRESS, '/metrics'));
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
  await stack.runDay('2024-02-25');
  await until('the rows are at the collector', () => bodies.some((body) => body.includes('sales_rows')));
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
  assert.ok(requests.every((line) => line === 'POST /v1/metrics application/x-protobuf'));
});

test('wrong settings end the worker with 2, all of them named at once', async () => {
  const { code, stderr } = await start(['worker.ts'], {
    REPORT_API_URL: 'ftp://x',
    REPORT_TIMEOUT: 'soon',
    PGHOST: 'x',
  }).ended;
  assert.equal(code, 2);
  const names = ['REPORT_API_URL', 'REPORT_API_KEY', 'REPORT_API_NICKNAME', 'REPORT_API_COHORT'];
  for (const name of [...names, 'REPORT_TIMEOUT']) {
    assert.match(stderr, new RegExp(`${name} `));
  }
});

test('a LANDING_DIR that cannot be used is a wrong setting', async () => {
  const LANDING_DIR = path.join(stack.landingDir, 'file', 'landing');
  await writeFile(path.dirname(LANDING_DIR), '');
  await assert.rejects(stack.startWorker({ LANDING_DIR }), (error) => {
    assert.ok(error instanceof SettingsError);
    assert.match(error.message, /LANDING_DIR must be a directory that the worker may write to: ENOTDIR/);
    return true;
  });
});

test('an address that is taken ends the worker with 2, named, without a stack', async () => {
  const address = `localhost:${await freePort()}`;
  const addresses = { METRICS_ADDRESS: address, HEALTH_ADDRESS: address };
  const { code, stderr } = await start(['worker.ts'], { ...stack.environment, ...addresses }).ended;
  assert.equal(code, 2, stderr);
  assert.match(stderr, /METRICS_ADDRESS localhost:\d+ cannot be used: something listens there/);
  assert.doesNotMatch(stderr, /^ +at /m);
});

test('an unknown namespace ends the worker with 1 and a sentence', async () => {
  const HEALTH_ADDRESS = `127.0.0.1:${await freePort()}`;
  const environment = { ...stack.environment, HEALTH_ADDRESS, TEMPORAL_NAMESPACE: 'nowhere' };
  const { code, stderr } = await start(['worker.ts'], environment).ended;
  assert.equal(code, 1);
  assert.match(stderr, /^Namespace nowhere was not found/m);
  assert.doesNotMatch(stderr, /^ +at /m);
});
