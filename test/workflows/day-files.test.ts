import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { after, describe, test } from 'node:test';
import { FEEDS } from '../../domain/feeds.ts';
import type { Fault } from '../../dev/sample-api/server.ts';
import { callsOf, failureOf } from '../client/harness.ts';
import { ordersCsv, PRICES_CSV } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';
import { TestStack } from '../support/stack.ts';

/** How single calls, downloads and files fail is tested without Temporal: api-client, and the folder pipeline. */
const stack = await TestStack.start({
  api: { pollsUntilReady: 0 },
  settings: { REPORT_API_TIMEOUT: '5s', DOWNLOAD_IDLE_TIMEOUT: '3s' },
});
after(() => stack.close());

const TABLES = FEEDS.map(({ name }) => name);
/** Everything but what became of the last run. */
const DATA = [
  ...[...TABLES, 'rejected_row', 'file_load'],
  ...['d_calendar', 'd_city', 'd_item', 'd_customer', 'f_sales', 'f_customer_retention'],
];

async function failureRecorded(date: string) {
  const { state, error, error_type: type } = await stack.status(date);
  return { state, type, message: error };
}

/** How many rows are staged of each file of a date. */
async function stagedOf(date: string): Promise<Record<string, number>> {
  const counts = TABLES.map(
    (table) => `(select count(*) from staging.${table} where load_date = $1)::int as ${table}`,
  );
  return (await stack.rows<Record<string, number>>(`select ${counts.join(', ')}`, [date]))[0] ?? {};
}

/** One row of each file, but two prices. */
const ONE_EACH = { ...Object.fromEntries(TABLES.map((table) => [table, 1])), price_log: 2 };

test('calls and downloads that fail are tried again, each by itself; no half file stays, and none is asked for that is not known', async () => {
  const date = '2024-02-20';
  const strange = ['../../etc/passwd', '..', '/etc/passwd', 'constructor', 'user_order_log', 'цены', ''];
  const more = Object.fromEntries(strange.map((name) => [name, 'not to be asked for']));
  stack.deliveries.set(date, [{ uniq_id: date }], more);
  const faults: Fault[] = [
    { on: 'generate_report', do: 'status', status: 429, headers: { 'Retry-After': '1' } },
    { on: 'generate_report', do: 'status', status: 200, body: '{"task_id": ' },
    { on: 'get_report', do: 'reset' },
    { on: 'get_report', do: 'status', status: 200, body: '["unexpected"]' },
    { on: 'get_increment', do: 'truncate', afterBytes: 10 },
    { on: 'get_increment', do: 'hang' },
    { on: 'storage', file: 'user_order_log_inc', do: 'status', status: 503 },
    { on: 'storage', file: 'user_order_log_inc', do: 'hang' },
    { on: 'storage', file: 'user_activity_log_inc', do: 'truncate', afterBytes: 20 },
    { on: 'storage', file: 'customer_research_inc', do: 'reset', afterBytes: 20 },
  ];
  for (const fault of faults) stack.api.addFault(fault);
  assert.equal((await stack.runDay(date)).outcome, 'loaded');
  assert.deepEqual(await stagedOf(date), ONE_EACH);
  const downloads = callsOf(stack, 'storage').length;
  const counts = (['generate_report', 'get_report', 'get_increment'] as const).map(
    (call) => callsOf(stack, call).length,
  );
  assert.deepEqual(counts, [3, 3, 3 + downloads], 'two in vain and one, and one per download');
  const tries = FEEDS.map(({ name }) => callsOf(stack, 'storage', `${name}_inc`).length);
  assert.deepEqual(tries.slice(0, 3).toSorted(), [2, 2, 3]);
  assert.equal(downloads, FEEDS.length + 4, 'no other file is asked for');
  const landed = await readdir(path.join(stack.landingDir, date));
  assert.equal(landed.filter((name) => name.endsWith('.csv')).length, FEEDS.length, landed.join());
  assert.ok(!landed.some((name) => /tmp|part/.test(name)), landed.join());
});

test('what never heals by itself ends the run at once: nothing is loaded', async () => {
  const date = '2024-02-21';
  const endings: [Fault, string, RegExp][] = [
    [{ on: 'get_report', do: 'status', status: 403 }, 'ReportApiUnauthorized', /403 .*: REPORT_API_KEY/],
    [
      { on: 'get_report', do: 'status', status: 200, body: '{"status": "BROKEN"}' },
      'ReportFailed',
      /status is "BROKEN"/,
    ],
  ];
  stack.deliveries.set(date, [{ uniq_id: date }]);
  for (const [fault, type, says] of endings) {
    stack.api.requests.length = 0;
    stack.api.addFault(fault);
    const failed = await failureOf(stack.runDay(date));
    assert.equal(failed.type, type);
    assert.match(failed.message, says);
    assert.deepEqual(await failureRecorded(date), { state: 'failed', type, message: failed.message });
    const calls = stack.api.requests.map(({ endpoint }) => endpoint);
    assert.deepEqual(calls, ['generate_report', 'get_report'], 'not tried again');
  }
});

describe('files that are not there', { concurrency: true }, () => {
  test('are asked for until they are; a download that is not there, or whose address has expired, by the whole question', async () => {
    const date = '2024-03-10';
    stack.deliveries.set(date, [{ uniq_id: date }]);
    const asked = { on: 'get_increment', date } as const;
    stack.api.addFault({ ...asked, do: 'missing-files', files: ['price_log_inc', 'customer_research_inc'] });
    stack.api.addFault({ ...asked, do: 'null-data' });
    stack.api.addFault({ ...asked, do: 'empty-urls' });
    for (const status of [404, 403])
      stack.api.addFault({ on: 'storage', date, file: 'price_log_inc', do: 'status', status });
    assert.equal((await stack.runDay(date)).outcome, 'loaded');
    assert.deepEqual(await stagedOf(date), ONE_EACH);
    assert.equal(callsOf(stack, 'get_increment', date).length, 3 + 3 * (1 + FEEDS.length));
  });

  test('and optional, or that storage never gives: the day loads without them, and what was staged of them stays', async () => {
    const date = '2024-03-21';
    const optionalFiles = ['price_log_inc', 'customer_research_inc'];
    stack.deliveries.set(date, [{ uniq_id: 'one' }], { price_log_inc: 'Хлеб,1\nСыр,2\nЧай,3\n' });
    await stack.runDay(date);
    stack.deliveries.set(date, [{ uniq_id: 'one' }, { uniq_id: 'two' }], { customer_research_inc: null });
    stack.api.addFault({ on: 'storage', times: -1, date, file: 'price_log_inc', do: 'status', status: 500 });
    const result = await stack.runDay(date, { optionalFiles, filesTimeoutMs: 1_000 });
    assert.equal(result.outcome, 'loaded');
    assert.deepEqual(
      result.warnings.toSorted(),
      optionalFiles.map((file) => `${file} was missing; the day was loaded without it`).toSorted(),
    );
    assert.ok(optionalFiles.every((file) => !(file in result.files)));
    assert.deepEqual(await stagedOf(date), { ...ONE_EACH, user_order_log: 2, price_log: 3 });
  });
});

for (const isLoaded of [true, false])
  test(`two refused files, of a day that was ${isLoaded ? '' : 'not '}loaded before: both are named, and nothing changes`, async () => {
    const date = isLoaded ? '2024-02-25' : '2024-02-26';
    if (isLoaded) {
      stack.deliveries.set(date, [{ uniq_id: 'old' }, { uniq_id: '' }]);
      await stack.runDay(date, { maxRejectedShare: 0.5 });
    }
    const before = await dump(stack.db.pool, DATA);
    const orders = Array.from({ length: 10 }, (_, n) => ({ uniq_id: `x${n}`, quantity: n < 2 ? 'bad' : 1 }));
    stack.deliveries.set(date, ordersCsv(orders), { price_log_inc: gzipSync(PRICES_CSV) });
    const { type, message, next } = await failureOf(stack.runDay(date));
    assert.equal(type, 'FileRefused', message);
    assert.match(message, new RegExp(`user_order_log_inc of ${date} is refused: .*2 of .*10 rows`));
    assert.match(message, new RegExp(`price_log_inc of ${date} is refused: .*gzip`));
    assert.ok(next);
    assert.equal(await dump(stack.db.pool, DATA), before);
    assert.deepEqual(await failureRecorded(date), { state: 'failed', type, message });
  });
