import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Fault } from '../../dev/sample-api/server.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { callsOf, failureOf, stackFor } from '../client/harness.ts';
import type { TestStack } from '../support/stack.ts';

/** How single calls and downloads fail is tested without Temporal: api-client, pipeline/download, pipeline/file-address. */
const DATE = '2024-02-25';
const AT_ONCE = { pollsUntilReady: 0 };
/** However slow the machine is, no limit of the run ends its tries. */
const PATIENT = { reportTimeoutMs: 600_000, filesTimeoutMs: 600_000 };

function givenDay(stack: TestStack, faults: Fault[], more: Record<string, string> = {}): void {
  stack.deliveries.set(DATE, [{ uniq_id: 'a', payment_amount: '12.50' }], more);
  for (const fault of faults) stack.api.addFault(fault);
}

async function outcome(stack: TestStack) {
  const [row] = await stack.rows(
    `select day.outcome, day.error_type, (select count(*)::int from mart.f_sales) as facts,
        (select count(*)::int from staging.file_load) as files
     from staging.day_load as day`,
  );
  return row;
}

const LOADED = { outcome: 'loaded', error_type: null, facts: 1, files: FEEDS.length };
const failedAs = (type: string) => ({ outcome: 'failed', error_type: type, facts: 0, files: 0 });

describe('a day beside faults of the report API and its storage', { concurrency: true }, () => {
  test('calls that fail are tried again, each by itself', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE, settings: { REPORT_API_TIMEOUT: '5s' } });
    givenDay(stack, [
      { on: 'generate_report', do: 'status', status: 429, retryAfter: 1 },
      { on: 'generate_report', do: 'malformed-json' },
      { on: 'get_report', do: 'reset' },
      { on: 'get_report', do: 'json', body: ['unexpected'] },
      { on: 'get_increment', do: 'truncate', afterBytes: 10 },
      { on: 'get_increment', do: 'hang' },
    ]);
    assert.equal((await stack.runDay(DATE, PATIENT)).outcome, 'loaded');
    const counts = (['generate_report', 'get_report', 'get_increment'] as const).map(
      (call) => callsOf(stack, call).length,
    );
    assert.deepEqual(counts, [3, 3, 3 + FEEDS.length], 'two in vain and one, and one per download');
    assert.deepEqual(await outcome(stack), LOADED);
  });

  test("downloads are tried again; no half file stays, and storage never sees the API's headers", async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE, settings: { DOWNLOAD_IDLE_TIMEOUT: '3s' } });
    const strange = ['../../etc/passwd', '..', '/etc/passwd', 'constructor', 'user_order_log', 'цены', ''];
    givenDay(
      stack,
      [
        { on: 'storage', file: 'user_order_log_inc', do: 'status', status: 503 },
        { on: 'storage', file: 'user_order_log_inc', do: 'hang' },
        { on: 'storage', file: 'user_activity_log_inc', do: 'truncate', afterBytes: 20 },
        { on: 'storage', file: 'customer_research_inc', do: 'reset', afterBytes: 20 },
      ],
      Object.fromEntries(strange.map((name) => [name, 'not to be asked for'])),
    );
    const { files } = await stack.runDay(DATE, PATIENT);
    assert.equal(Object.keys(files).length, FEEDS.length);
    assert.deepEqual(await outcome(stack), LOADED);
    const tries = ['user_order_log_inc', 'user_activity_log_inc', 'customer_research_inc'].map(
      (file) => callsOf(stack, 'storage', file).length,
    );
    assert.deepEqual(tries, [3, 2, 2]);
    const landed = await readdir(stack.landingDir, { recursive: true });
    assert.equal(landed.filter((name) => name.endsWith('.csv')).length, FEEDS.length, landed.join());
    assert.ok(!landed.some((name) => /tmp|part/.test(name)), landed.join());
    for (const { path, headers } of callsOf(stack, 'storage')) {
      assert.ok(
        FEEDS.some(({ name }) => path.includes(`${name}_inc`)),
        `${path} is no file that is known`,
      );
      assert.ok(!Object.keys(headers).some((name) => name.startsWith('x-') || name === 'cookie'));
      assert.ok(!Object.values(headers).includes('sample-key'));
    }
  });

  test('what never heals by itself ends the run at once: nothing is loaded', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE });
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
      stack.api.requests.length = 0;
      givenDay(stack, [fault]);
      const failed = await failureOf(stack.runDay(DATE));
      assert.equal(failed.type, type);
      assert.match(failed.message, says);
      assert.deepEqual(await outcome(stack), failedAs(type));
      assert.equal(callsOf(stack, 'generate_report').length, 1);
      assert.equal(callsOf(stack, 'get_report').length, 1, 'not tried again');
    }
  });
});
