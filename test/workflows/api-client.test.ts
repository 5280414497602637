import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { fileNames } from '../../domain/feeds.ts';
import { startSampleApi, type FaultAction } from '../../dev/sample-api/server.ts';
import { ReportApi } from '../../pipeline/extract/report-api.ts';
import { retryAfterMs } from '../../pipeline/extract/retry-after.ts';
import { Deliveries } from '../support/deliveries.ts';

const KEY = 'key-that-is-a-secret';
const DATE = '2024-02-25';
const signal = new AbortController().signal;

const deliveries = new Deliveries();
deliveries.set(DATE, [{ uniq_id: 'a' }]);
const sample = await startSampleApi({ source: deliveries, apiKey: KEY, pollsUntilReady: 0 });
const api = client();
after(async () => {
  await api.close();
  await sample.close();
});
beforeEach(() => {
  sample.clearFaults();
  sample.requests.length = 0;
});

function client(baseUrl = sample.url): ReportApi {
  return new ReportApi({ baseUrl, apiKey: KEY, nickname: 'sample', cohort: '1', timeoutMs: 3_000 });
}

/** How a call failed: every one must be a failure of the project's table, and hold no secret. */
async function failureOf(call: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApplicationFailure, `a failure of the table, not ${String(error)}`);
  assert.doesNotMatch(JSON.stringify([error.message, error.stack, error.details]), new RegExp(KEY));
  return error;
}

const calls = {
  generate_report: () => api.generateReport(),
  get_report: () => api.getReport('t', signal),
  get_increment: () => api.getIncrement('r', DATE, signal),
};
const CALLS = Object.keys(calls) as (keyof typeof calls)[];

/** What a call makes of this JSON. */
function made<C extends keyof typeof calls>(on: C, body: unknown): ReturnType<(typeof calls)[C]> {
  sample.addFault({ on, do: 'status', status: 200, body: JSON.stringify(body) });
  return calls[on]() as ReturnType<(typeof calls)[C]>;
}

/** How it fails by it. */
const refused = (on: keyof typeof calls, body: unknown) => failureOf(made(on, body));

describe('what the report API answers', () => {
  test('ids with = + / come back as they were given, and every call has the four headers', async () => {
    const taskId = await api.generateReport();
    assert.match(taskId, /(?=.*=)(?=.*\+)(?=.*\/)/, 'the id holds all that a query string must escape');
    const report = await api.getReport(taskId, signal);
    assert.equal(report.status, 'SUCCESS');
    assert.match(report.reportId, /(?=.*=)(?=.*\+)(?=.*\/)/);
    assert.equal(report.startDay, '2024-02-02 00:00:00');
    const increment = await api.getIncrement(report.reportId, DATE, signal);
    assert.ok(increment.found);
    assert.deepEqual(Object.keys(increment.urls).sort(), fileNames('increment').sort());
    assert.equal(sample.requests.length, 3);
    for (const { headers } of sample.requests) {
      assert.deepEqual(
        [headers['x-nickname'], headers['x-cohort'], headers['x-project'], headers['x-api-key']],
        ['sample', '1', 'True', KEY],
      );
    }
  });

  test('the path of REPORT_API_URL is kept, with and without a slash at its end', async () => {
    for (const end of ['', '/']) {
      const behindPath = client(`${sample.url}/shop/v1${end}`);
      await behindPath.generateReport().catch(() => undefined);
      await behindPath.close();
    }
    assert.equal(sample.requests.length, 2);
    for (const { path } of sample.requests) assert.equal(path, '/shop/v1/generate_report');
  });

  test('no increment, with HTTP 200 and with 404 (contract, ruling 8)', async () => {
    const report = await api.getReport(await api.generateReport(), signal);
    assert.ok(report.status === 'SUCCESS');
    assert.deepEqual(await api.getIncrement(report.reportId, '2020-01-01', signal), { found: false });
    const body = JSON.stringify({ status: 'NOT FOUND', debug_info: 'Date is too early' });
    sample.addFault({ on: 'get_increment', do: 'status', status: 404, body });
    assert.deepEqual(await calls.get_increment(), { found: false });
  });

  test('an answer about another date, report or task is invalid, and asked for again (rulings 20, 60)', async () => {
    const right = { report_id: 'r', date: `${DATE} 00:00:00`, data: { s3_path: {} } };
    for (const status of ['SUCCESS', 'NOT FOUND'])
      for (const about of [{ date: '2024-03-05 00:00:00' }, { report_id: 'another' }]) {
        const failed = await refused('get_increment', { status, ...right, ...about });
        assert.deepEqual([failed.type, failed.nonRetryable], ['ReportApiAnswerInvalid', false]);
        assert.match(failed.message, new RegExp(`for a different ${Object.keys(about).join()}`));
      }
    const data = { report_id: 'r', s3_path: {} };
    for (const status of ['RUNNING', 'SUCCESS', 'FAILED']) {
      for (const task_id of ['another', 't ', 7, true, {}, ['t']]) {
        const failed = await refused('get_report', { task_id, status, data });
        assert.deepEqual([failed.type, failed.nonRetryable], ['ReportApiAnswerInvalid', false]);
        assert.match(failed.message, /for a different task_id than requested/);
      }
      for (const task_id of ['t', '', null, undefined])
        assert.equal((await made('get_report', { task_id, status, data })).status, status);
    }
  });

  test('an answer of another shape is invalid (ruling 54)', async () => {
    const wrong = [null, 7, true, 'text', [], [{ status: 'SUCCESS' }], {}, { status: null }, { task_id: '' }];
    for (const body of [...wrong, { status: { length: 2e9 } }])
      for (const on of CALLS)
        assert.equal((await refused(on, body)).type, 'ReportApiAnswerInvalid', JSON.stringify([on, body]));
  });

  test('data without an address, and an answer that names no date and no report or the date in another form: nothing is there yet', async () => {
    const noAddress = [{}, { s3_path: '' }, { s3_path: [] }, { s3_path: { a: 1, b: {}, c: null } }];
    const abouts = [
      ...[null, '', [], ...noAddress].map((data) => ({ data })),
      { date: null, report_id: null },
      { date: '', report_id: '' },
      { date: `${DATE}T00:00:00`, report_id: 'r' },
      { date: DATE },
    ];
    for (const about of abouts)
      assert.deepEqual(
        await made('get_increment', { status: 'SUCCESS', ...about }),
        { found: true, urls: {} },
        JSON.stringify(about),
      );
  });

  test('a report that failed, under any word: cut to a length, without control characters', async () => {
    const words = [
      ['FAILED', 'FAILED'],
      ['BAD\u001b]0;title\u0007\r\nNext:\u202egnihtyna\u0000', 'BAD ]0;title Next: gnihtyna'],
    ];
    for (const [status = '', word = ''] of words) {
      assert.deepEqual(await made('get_report', { status }), { status: 'FAILED', word });
      const failure = await refused('get_increment', { status });
      assert.equal(failure.type, 'ReportFailed');
      assert.ok(failure.message.includes(`${DATE}: its status is "${word}"`), failure.message);
    }
    const report = await made('get_report', { status: 'x'.repeat(100_000) });
    assert.ok(report.status === 'FAILED' && report.word.startsWith('xxxxx') && report.word.length < 300);
  });

  test('ids that are too long, or hold control characters, are no ids', async () => {
    for (const id of ['a'.repeat(2_001), 'a\nb', 'a\u001b[2J', '']) {
      const task = await refused('generate_report', { task_id: id });
      const report = await refused('get_report', { status: 'SUCCESS', data: { report_id: id } });
      for (const { type } of [task, report]) assert.equal(type, 'ReportApiAnswerInvalid', JSON.stringify(id));
    }
  });
});

const answer = (status: number, more: object = {}): FaultAction => ({ do: 'status', status, ...more });
const ELSEWHERE = { headers: { Location: 'http://127.0.0.1:1/' } };

const FAULTS: Record<string, [string, FaultAction, RegExp][]> = {
  ReportApiUnauthorized: [
    ['401', answer(401), /401 Unauthorized.*REPORT_API_KEY/],
    ['403', answer(403), /403 Forbidden.*REPORT_API_KEY/],
  ],
  ReportApiRefused: [
    ['400', answer(400), /400 Bad Request/],
    ['a redirect, which is not followed', answer(302, ELSEWHERE), /302 Found.*REPORT_API_URL/],
  ],
  ReportApiAnswerInvalid: [
    ['404 that is cut off', answer(404, { body: '{"status": "NOT FO' }), /it is not JSON/],
    ['malformed JSON', answer(200, { body: '{"task_id": ' }), /it is not JSON/],
  ],
  ReportApiUnavailable: [
    ['429', answer(429), /429 Too Many Requests/],
    ['500', answer(500), /500 Internal Server Error/],
    ['503', answer(503, { body: '<h1>' }), /503 Service Unavailable/],
    ['a reset before the answer', { do: 'reset' }, /to the report API failed/],
    ['a reset in it', { do: 'reset', afterBytes: 5 }, /to the report API failed/],
    ['a truncated one', { do: 'truncate', afterBytes: 5 }, /to the report API failed/],
    ['no answer', { do: 'hang' }, /no complete answer within 3 s/],
    ['a slow answer', { do: 'trickle', bytesPerSecond: 1 }, /no complete answer/],
    ['an endless answer', { do: 'endless' }, /exceeded max size/],
  ],
};

describe('how the report API fails', () => {
  for (const [type, faults] of Object.entries(FAULTS))
    for (const [what, action, message] of faults)
      test(`${what}: ${type}`, async () => {
        const fails = async (on: keyof typeof calls) => {
          sample.addFault({ on, ...action });
          const failure = await failureOf(calls[on]());
          assert.equal(failure.type, type, failure.message);
          assert.equal(failure.nonRetryable, /Refused|Unauthorized/.test(type));
          assert.match(failure.message, message);
          assert.match(failure.message, new RegExp(on));
        };
        await Promise.all(CALLS.map(fails));
        assert.equal(sample.requests.length, 3, 'one request a call');
      });

  test('404 from a gateway: of the first call a wrong address, later a moment without a route', async () => {
    for (const body of ['<h1>404 Not Found</h1>', '', '{"message": "no Route matched"}'])
      for (const on of CALLS) {
        sample.addFault({ on, do: 'status', status: 404, body });
        const { type, message } = await failureOf(calls[on]());
        const isFirst = on === 'generate_report';
        assert.equal(type, isFirst ? 'ReportApiRefused' : 'ReportApiAnswerInvalid', message);
      }
  });

  test('Retry-After says when to try again', async () => {
    sample.addFault({ on: 'get_increment', ...answer(429, { headers: { 'Retry-After': '3' } }) });
    assert.equal((await failureOf(calls.get_increment())).nextRetryDelay, 3_000);
  });

  test('connection refused', async () => {
    const nobody = client('http://127.0.0.1:1');
    const failure = await failureOf(nobody.generateReport());
    await nobody.close();
    assert.equal(failure.type, 'ReportApiUnavailable');
    assert.match(failure.message, /ECONNREFUSED 127\.0\.0\.1:1/);
  });

  test('a cancelled call ends at once, as cancelled', async () => {
    const controller = new AbortController();
    sample.addFault({ on: 'get_report', do: 'hang' });
    const call = api.getReport('t', controller.signal);
    setTimeout(() => controller.abort(), 50);
    await assert.rejects(call, { name: 'AbortError' });
  });
});

test('Retry-After: seconds and HTTP dates, from a second to five minutes', () => {
  const now = new Date('2024-02-25T12:00:00Z');
  const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1_000).toUTCString();
  const cases: [string | string[] | undefined, number | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['2', 2_000],
    [' 2 ', 2_000],
    ['0', 1_000],
    ['86400', 300_000],
    [['3', '4'], 3_000],
    [inSeconds(7), 7_000],
    [inSeconds(-60), 1_000],
    [inSeconds(86_400), 300_000],
  ];
  for (const [header, expected] of cases) assert.equal(retryAfterMs(header, now), expected, String(header));
});
