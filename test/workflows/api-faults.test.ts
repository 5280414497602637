import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Fault } from '../../dev/sample-api/server.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { callsOf, failureOf } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';

/** How single calls and downloads fail is tested without Temporal: api-client, pipeline/download, pipeline/file-address. */
const PATIENT = { reportTimeoutMs: 600_000, filesTimeoutMs: 600_000 }; // no limit of the run ends its tries
const stack = await TestStack.start({
  api: { pollsUntilReady: 0 },
  settings: { REPORT_API_TIMEOUT: '5s', DOWNLOAD_IDLE_TIMEOUT: '3s' },
});
after(() => stack.close());

function givenDay(date: string, faults: Fault[], more: Record<string, string> = {}): void {
  stack.api.requests.length = 0;
  stack.deliveries.set(date, [{ uniq_id: date, payment_amount: '12.50' }], more);
  for (const fault of faults) stack.api.addFault(fault);
}

async function outcome(date: string) {
  const [row] = await stack.rows(
    `select day.outcome, day.error_type,
        (select count(*)::int from mart.f_sales where load_date = day.load_date) as facts,
        (select count(*)::int from staging.file_load where load_date = day.load_date) as files
     from staging.day_load as day where load_date = $1`,
    [date],
  );
  return row;
}

const LOADED = { outcome: 'loaded', error_type: null, facts: 1, files: FEEDS.length };

test('calls that fail are tried again, each by itself', async () => {
  const date = '2024-02-25';
  givenDay(date, [
    { on: 'generate_report', do: 'status', status: 429, retryAfter: 1 },
    { on: 'generate_report', do: 'malformed-json' },
    { on: 'get_report', do: 'reset' },
    { on: 'get_report', do: 'json', body: ['unexpected'] },
    { on: 'get_increment', do: 'truncate', afterBytes: 10 },
    { on: 'get_increment', do: 'hang' },
  ]);
  assert.equal((await stack.runDay(date, PATIENT)).outcome, 'loaded');
  const counts = (['generate_report', 'get_report', 'get_increment'] as const).map(
    (call) => callsOf(stack, call).length,
  );
  assert.deepEqual(counts, [3, 3, 3 + FEEDS.length], 'two in vain and one, and one per download');
  assert.deepEqual(await outcome(date), LOADED);
});

test('downloads are tried again; no half file stays, and none is asked for that is not known', async () => {
  const date = '2024-02-26';
  const strange = ['../../etc/passwd', '..', '/etc/passwd', 'constructor', 'user_order_log', 'цены', ''];
  givenDay(
    date,
    [
      { on: 'storage', file: 'user_order_log_inc', do: 'status', status: 503 },
      { on: 'storage', file: 'user_order_log_inc', do: 'hang' },
      { on: 'storage', file: 'user_activity_log_inc', do: 'truncate', afterBytes: 20 },
      { on: 'storage', file: 'customer_research_inc', do: 'reset', afterBytes: 20 },
    ],
    Object.fromEntries(strange.map((name) => [name, 'not to be asked for'])),
  );
  const { files } = await stack.runDay(date, PATIENT);
  assert.equal(Object.keys(files).length, FEEDS.length);
  assert.deepEqual(await outcome(date), LOADED);
  const tries = FEEDS.map(({ name }) => callsOf(stack, 'storage', `${name}_inc`).length);
  assert.deepEqual(tries.slice(0, 3).toSorted(), [2, 2, 3]);
  assert.equal(
    callsOf(stack, 'storage').length,
    tries.reduce((sum, count) => sum + count),
  );
  const landed = await readdir(path.join(stack.landingDir, date));
  assert.equal(landed.filter((name) => name.endsWith('.csv')).length, FEEDS.length, landed.join());
  assert.ok(!landed.some((name) => /tmp|part/.test(name)), landed.join());
});

test('what never heals by itself ends the run at once: nothing is loaded', async () => {
  const date = '2024-02-27';
  const endings: [Fault, string, RegExp][] = [
    [{ on: 'get_report', do: 'status', status: 403 }, 'ReportApiUnauthorized', /403 .*: REPORT_API_KEY/],
    [{ on: 'get_report', do: 'report-status', status: 'BROKEN' }, 'ReportFailed', /status is "BROKEN"/],
    [
      { on: 'storage', file: 'price_log_inc', do: 'redirect', location: stack.api.url },
      'UnsafeAddress',
      /302, and redirects are not followed/,
    ],
  ];
  for (const [fault, type, says] of endings) {
    givenDay(date, [fault]);
    const failed = await failureOf(stack.runDay(date));
    assert.equal(failed.type, type);
    assert.match(failed.message, says);
    assert.deepEqual(await outcome(date), { outcome: 'failed', error_type: type, facts: 0, files: 0 });
    assert.equal(callsOf(stack, 'generate_report').length, 1);
    assert.equal(callsOf(stack, 'get_report').length, 1, 'not tried again');
  }
});
