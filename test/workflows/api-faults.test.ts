import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Fault, RecordedRequest } from '../../dev/sample-api/server.ts';
import { callsOf, failureOf, stackFor } from '../client/harness.ts';
import type { TestStack } from '../support/stack.ts';

const DATE = '2024-02-25';
const AT_ONCE = { pollsUntilReady: 0 };

function givenDay(stack: TestStack, faults: Fault[]): void {
  stack.deliveries.set(DATE, [{ uniq_id: 'a', payment_amount: '12.50' }]);
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

const LOADED = { outcome: 'loaded', error_type: null, facts: 1, files: 4 };
const failedAs = (type: string) => ({ outcome: 'failed', error_type: type, facts: 0, files: 0 });

/** Seconds between the first two requests. */
function pause([first, second]: RecordedRequest[]): number {
  assert.ok(first && second, 'there were two requests');
  return (second.at - first.at) / 1_000;
}

describe('a day and its report API', { concurrency: 4 }, () => {
  for (const [status, on] of [
    [401, 'generate_report'],
    [403, 'get_report'],
  ] as const) {
    test(`${status} ends the run at once, after one call`, async (t) => {
      const stack = await stackFor(t, { api: AT_ONCE });
      givenDay(stack, [{ on, times: -1, do: 'status', status }]);
      const { type, message, next } = await failureOf(stack.runDay(DATE));
      assert.equal(type, 'ReportApiUnauthorized');
      assert.match(message, new RegExp(`${status} .* to ${on}: REPORT_API_KEY`));
      assert.match(next ?? '', /REPORT_API_KEY/);
      assert.equal(callsOf(stack, on).length, 1);
      assert.deepEqual(await outcome(stack), failedAs('ReportApiUnauthorized'));
    });
  }

  test('429 is waited for as long as Retry-After says, in seconds or as a date', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE });
    givenDay(stack, [
      { on: 'generate_report', do: 'status', status: 429, retryAfter: 3 },
      { on: 'get_increment', do: 'status', status: 429, retryAfter: 'date:+4' },
    ]);
    assert.equal((await stack.runDay(DATE)).outcome, 'loaded');
    const byseconds = pause(callsOf(stack, 'generate_report'));
    assert.ok(byseconds >= 2.9 && byseconds < 8, `after 3 s, not ${byseconds}`);
    // An HTTP date has whole seconds, so up to one of the four is gone.
    const byDate = pause(callsOf(stack, 'get_increment'));
    assert.ok(byDate >= 2.9 && byDate < 9, `after 3 to 4 s, not ${byDate}`);
  });

  test('5xx, a reset, truncated and malformed JSON, and other shapes are tried again', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE });
    givenDay(stack, [
      { on: 'generate_report', do: 'status', status: 503 },
      { on: 'generate_report', do: 'malformed-json' },
      { on: 'get_report', do: 'reset' },
      { on: 'get_report', do: 'json', body: ['unexpected'] },
      { on: 'get_increment', do: 'truncate', afterBytes: 10 },
      { on: 'get_increment', do: 'json', body: { status: 'SUCCESS', data: 'soon' } },
    ]);
    assert.equal((await stack.runDay(DATE)).outcome, 'loaded');
    const counts = (['generate_report', 'get_report', 'get_increment'] as const).map(
      (call) => callsOf(stack, call).length,
    );
    assert.deepEqual(counts, [3, 3, 3 + 4], 'two in vain and one, and one per download');
    assert.deepEqual(await outcome(stack), LOADED);
  });

  test('answers that do not come are cut off by REPORT_API_TIMEOUT', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE, settings: { REPORT_API_TIMEOUT: '300ms' } });
    givenDay(stack, [
      { on: 'generate_report', do: 'hang' },
      { on: 'get_report', do: 'trickle', bytesPerSecond: 20 },
      { on: 'get_increment', do: 'huge', bytes: -1 },
    ]);
    const started = performance.now();
    assert.equal((await stack.runDay(DATE)).outcome, 'loaded');
    assert.ok(performance.now() - started < 25_000, 'far below the default of 30 s a call');
    assert.equal(callsOf(stack, 'generate_report').length, 2);
    assert.equal(callsOf(stack, 'get_report').length, 2);
    assert.equal(callsOf(stack, 'get_increment').length, 2 + 4);
  });

  test('a report that failed ends the run', async (t) => {
    const stack = await stackFor(t);
    givenDay(stack, [{ on: 'get_report', skip: 1, do: 'report-status', status: 'BROKEN' }]);
    const { type, message } = await failureOf(stack.runDay(DATE));
    assert.equal(type, 'ReportFailed');
    assert.match(message, /its status is "BROKEN"/);
    assert.equal(callsOf(stack, 'get_report').length, 2);
    assert.equal(callsOf(stack, 'generate_report').length, 1);
    assert.deepEqual(await outcome(stack), failedAs('ReportFailed'));
  });

  test('a report that is never made: ReportTimedOut after REPORT_TIMEOUT', async (t) => {
    const stack = await stackFor(t);
    givenDay(stack, [{ on: 'get_report', do: 'stuck' }]);
    const started = performance.now();
    const { type, message } = await failureOf(stack.runDay(DATE, { reportTimeoutMs: 1_500 }));
    assert.equal(type, 'ReportTimedOut');
    assert.match(message, /not ready within 1500ms \(REPORT_TIMEOUT\)/);
    assert.ok(performance.now() - started >= 1_400);
    assert.ok(callsOf(stack, 'get_report').length >= 2);
    assert.deepEqual(await outcome(stack), failedAs('ReportTimedOut'));
  });

  test('an API that fails once the files are listed ends the run by FILES_TIMEOUT, as one that fails before', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE });
    givenDay(stack, [{ on: 'get_increment', skip: 1, times: -1, do: 'status', status: 503 }]);
    const { message } = await failureOf(stack.runDay(DATE, { filesTimeoutMs: 1_000 }));
    assert.match(message, /\(FILES_TIMEOUT\); nothing was loaded\. The report API answered 503/);
    assert.deepEqual(await outcome(stack), failedAs('FilesMissing'));
  });

  test('a redirect is refused at once', async (t) => {
    const stack = await stackFor(t);
    const location = `${stack.api.url}/get_report`;
    givenDay(stack, [{ on: 'generate_report', times: -1, do: 'redirect', location }]);
    const { type, message } = await failureOf(stack.runDay(DATE));
    assert.equal(type, 'ReportApiRefused');
    assert.match(message, /302 Found.*redirects are not followed.*REPORT_API_URL/);
    assert.equal(stack.api.requests.length, 1);
  });
});

describe('a day and its storage', { concurrency: 4 }, () => {
  test('503, truncated, reset and trickling downloads are tried again; no half file stays', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE, settings: { DOWNLOAD_IDLE_TIMEOUT: '400ms' } });
    givenDay(stack, [
      { on: 'storage', file: 'user_order_log_inc', do: 'status', status: 503 },
      { on: 'storage', file: 'user_order_log_inc', do: 'hang' },
      { on: 'storage', file: 'user_activity_log_inc', do: 'truncate', afterBytes: 20 },
      { on: 'storage', file: 'customer_research_inc', do: 'reset', afterBytes: 20 },
      { on: 'storage', file: 'price_log_inc', do: 'trickle', bytesPerSecond: 8 },
    ]);
    const { files } = await stack.runDay(DATE);
    assert.equal(Object.keys(files).length, 4);
    assert.deepEqual(await outcome(stack), LOADED);
    const tries = [
      'user_order_log_inc',
      'user_activity_log_inc',
      'customer_research_inc',
      'price_log_inc',
    ].map((file) => callsOf(stack, 'storage', file).length);
    assert.deepEqual(tries, [3, 2, 2, 2]);
    const landed = (await readdir(stack.landingDir, { recursive: true })).filter((name) =>
      name.endsWith('.csv'),
    );
    assert.equal(landed.length, 4, landed.join());
    const leftovers = (await readdir(stack.landingDir, { recursive: true })).filter((name) =>
      /tmp|part/.test(name),
    );
    assert.deepEqual(leftovers, []);
  });

  test("storage never sees the API's headers", async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE });
    givenDay(stack, []);
    await stack.runDay(DATE);
    const downloads = callsOf(stack, 'storage');
    assert.equal(downloads.length, 4);
    for (const { headers } of downloads) {
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('x-') || name === 'cookie'),
        [],
      );
      assert.ok(!Object.values(headers).includes('sample-key'));
    }
  });

  test('an address that is not http(s), or that redirects, ends the run; nothing is loaded', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE });
    givenDay(stack, []);
    for (const url of [
      'ftp://a:pw@host/x',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'data:text/csv,a',
      'x',
    ]) {
      stack.deliveries.set(DATE, [{ uniq_id: 'a' }], { price_log_inc: { url } });
      const { type, message } = await failureOf(stack.runDay(DATE));
      assert.equal(type, 'UnsafeAddress', url);
      assert.match(message, /The address of price_log_inc is not an http\(s\) URL/);
      assert.doesNotMatch(message, /pw|passwd|alert/, 'the address is not repeated');
      assert.deepEqual(await outcome(stack), failedAs('UnsafeAddress'));
    }
    givenDay(stack, [
      {
        on: 'storage',
        file: 'price_log_inc',
        do: 'redirect',
        location: `${stack.api.url}/get_report`,
      },
    ]);
    const { type, message } = await failureOf(stack.runDay(DATE));
    assert.equal(type, 'UnsafeAddress');
    assert.match(message, /302, and redirects are not followed/);
    assert.deepEqual(await outcome(stack), failedAs('UnsafeAddress'));
  });

  test('an endless file is cut off at MAX_FILE_BYTES', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE, settings: { MAX_FILE_BYTES: '100000' } });
    givenDay(stack, [{ on: 'storage', file: 'price_log_inc', times: -1, do: 'huge', bytes: -1 }]);
    const { type, message } = await failureOf(stack.runDay(DATE));
    assert.equal(type, 'FileTooLarge');
    assert.match(message, /price_log_inc has \d{6} bytes or more; MAX_FILE_BYTES allows 100000/);
    assert.equal(callsOf(stack, 'storage', 'price_log_inc').length, 1);
    assert.deepEqual(await outcome(stack), failedAs('FileTooLarge'));
  });

  test('file names that nobody knows are ignored, whatever they are', async (t) => {
    const stack = await stackFor(t, { api: AT_ONCE });
    const strange = ['../../etc/passwd', '..', '/etc/passwd', 'constructor', 'user_order_log', 'цены', ''];
    stack.deliveries.set(
      DATE,
      [{ uniq_id: 'a' }],
      Object.fromEntries(strange.map((name) => [name, 'not to be asked for'])),
    );
    const { outcome: loaded, files } = await stack.runDay(DATE);
    assert.equal(loaded, 'loaded');
    assert.equal(Object.keys(files).length, 4);
    assert.equal(callsOf(stack, 'storage').length, 4, 'only the four known files are downloaded');
    const names = (await readdir(stack.landingDir)).filter((name) => !name.startsWith('.'));
    assert.deepEqual(names, [DATE]);
  });
});
