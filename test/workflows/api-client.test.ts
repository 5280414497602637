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

function client(options: Partial<ConstructorParameters<typeof ReportApi>[0]> = {}): ReportApi {
  return new ReportApi({
    baseUrl: sample.url,
    apiKey: KEY,
    nickname: 'sample',
    cohort: '1',
    timeoutMs: 3_000,
    ...options,
  });
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

async function finishedReport(): Promise<string> {
  const report = await api.getReport(await api.generateReport(), signal);
  assert.equal(report.status, 'SUCCESS');
  return report.reportId;
}

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
      const behindPath = client({ baseUrl: `${sample.url}/shop/v1${end}` });
      await behindPath.generateReport().catch(() => undefined);
      await behindPath.close();
    }
    assert.deepEqual(
      sample.requests.map(({ path }) => path),
      ['/shop/v1/generate_report', '/shop/v1/generate_report'],
    );
  });

  test('no increment', async () => {
    const reportId = await finishedReport();
    assert.deepEqual(await api.getIncrement(reportId, '2020-01-01', signal), { found: false });
  });

  for (const [name, about] of Object.entries({
    'another date': { date: '2024-03-05 00:00:00' },
    'another report': { report_id: 'another' },
  })) {
    for (const status of ['SUCCESS', 'NOT FOUND']) {
      test(`an answer about ${name} (${status}) is invalid, and asked for again`, async () => {
        const reportId = await finishedReport();
        const body = {
          status,
          report_id: reportId,
          date: `${DATE} 00:00:00`,
          data: { s3_path: {} },
          ...about,
        };
        sample.addFault({ on: 'get_increment', do: 'json', body });
        const failed = await failureOf(api.getIncrement(reportId, DATE, signal));
        assert.equal(failed.type, 'ReportApiAnswerInvalid');
        assert.match(
          failed.message,
          new RegExp(`for a different ${name === 'another date' ? 'date' : 'report_id'}`),
        );
        assert.ok((await api.getIncrement(reportId, DATE, signal)).found);
      });
    }
  }

  for (const status of ['RUNNING', 'SUCCESS', 'FAILED'])
    test(`a report of another task (${status}) is invalid, and asked for again (ruling 60)`, async () => {
      const taskId = await api.generateReport();
      const data = { report_id: 'r', s3_path: {} };
      for (const task_id of ['another', `${taskId} `, 7, true, {}, [taskId]]) {
        sample.addFault({ on: 'get_report', do: 'json', body: { task_id, status, data } });
        const failed = await failureOf(api.getReport(taskId, signal));
        assert.equal(failed.type, 'ReportApiAnswerInvalid');
        assert.equal(failed.nonRetryable, false);
        assert.match(failed.message, /for a different task_id than requested/);
      }
      for (const task_id of [taskId, '', null, undefined]) {
        sample.addFault({ on: 'get_report', do: 'json', body: { task_id, status, data } });
        assert.equal((await api.getReport(taskId, signal)).status, status);
      }
    });

  for (const body of [
    null,
    7,
    true,
    'text',
    [],
    [{ status: 'SUCCESS' }],
    {},
    { status: null },
    { task_id: '' },
    { status: { length: 2e9 } },
  ] as unknown[])
    test(`an answer of another shape is invalid (ruling 54): ${JSON.stringify(body)}`, async () => {
      for (const [on, ask] of [
        ['generate_report', () => api.generateReport()],
        ['get_report', () => api.getReport('t', signal)],
        ['get_increment', () => api.getIncrement('r', DATE, signal)],
      ] as const) {
        sample.addFault({ on, do: 'json', body });
        assert.equal((await failureOf(ask())).type, 'ReportApiAnswerInvalid', on);
      }
    });

  test('addresses that are no text, and data that is empty in any way, are no addresses', async () => {
    const reportId = await finishedReport();
    for (const data of [
      null,
      '',
      [],
      {},
      { s3_path: '' },
      { s3_path: [] },
      { s3_path: { a: 1, b: {}, c: null } },
    ]) {
      sample.addFault({ on: 'get_increment', do: 'json', body: { status: 'SUCCESS', data } });
      const increment = await api.getIncrement(reportId, DATE, signal);
      assert.deepEqual(increment, { found: true, urls: {} }, JSON.stringify(data));
    }
  });

  test('a report that failed, under any word, cut to a length', async () => {
    const taskId = await api.generateReport();
    for (const status of ['FAILED', 'ERROR', 'x'.repeat(100_000)]) {
      sample.addFault({ on: 'get_report', do: 'json', body: { status } });
      const report = await api.getReport(taskId, signal);
      assert.ok(
        report.status === 'FAILED' && report.word.startsWith(status.slice(0, 5)) && report.word.length < 300,
      );
    }
    sample.addFault({ on: 'get_increment', do: 'json', body: { status: 'FAILED' } });
    const failure = await failureOf(api.getIncrement('r', DATE, signal));
    assert.equal(failure.type, 'ReportFailed');
    assert.match(failure.message, /2024-02-25: its status is "FAILED"/);
  });

  test('words of the API are shown without control characters', async () => {
    const status = 'BAD\u001b]0;title\u0007\r\nNext:\u202egnihtyna\u0000';
    sample.addFault({ on: 'get_report', do: 'json', body: { status } });
    assert.deepEqual(await api.getReport('t', signal), {
      status: 'FAILED',
      word: 'BAD ]0;title Next: gnihtyna',
    });
    sample.addFault({ on: 'get_increment', do: 'json', body: { status } });
    const failure = await failureOf(api.getIncrement('r', DATE, signal));
    assert.match(failure.message, /its status is "BAD \]0;title Next: gnihtyna"/);
  });

  test('ids that are too long, or hold control characters, are no ids', async () => {
    for (const id of ['a'.repeat(2_001), 'a\nb', 'a\u001b[2J', '']) {
      sample.addFault({ on: 'generate_report', do: 'json', body: { task_id: id } });
      const task = await failureOf(api.generateReport());
      assert.equal(task.type, 'ReportApiAnswerInvalid', JSON.stringify(id));
      sample.addFault({
        on: 'get_report',
        do: 'json',
        body: { status: 'SUCCESS', data: { report_id: id } },
      });
      const report = await failureOf(api.getReport('t', signal));
      assert.equal(report.type, 'ReportApiAnswerInvalid', JSON.stringify(id));
    }
  });

  test('an answer that names no date and no report, or the date in another form, is about what was asked', async () => {
    for (const about of [
      {},
      { date: null, report_id: null },
      { date: '', report_id: '' },
      { date: `${DATE}T00:00:00`, report_id: 'r' },
      { date: DATE },
    ]) {
      sample.addFault({ on: 'get_increment', do: 'json', body: { status: 'SUCCESS', ...about } });
      const increment = await api.getIncrement('r', DATE, signal);
      assert.deepEqual(increment, { found: true, urls: {} }, JSON.stringify(about));
    }
  });
});

const NEVER_HEAL = ['ReportApiRefused', 'ReportApiUnauthorized'];

const FAULTS: [name: string, action: FaultAction, type: string, message: RegExp][] = [
  ['401', { do: 'status', status: 401 }, 'ReportApiUnauthorized', /401 Unauthorized.*REPORT_API_KEY/],
  ['403', { do: 'status', status: 403 }, 'ReportApiUnauthorized', /403 Forbidden.*REPORT_API_KEY/],
  ['400', { do: 'status', status: 400 }, 'ReportApiRefused', /400 Bad Request/],
  [
    '404 that is cut off',
    { do: 'status', status: 404, body: '{"status": "NOT FO' },
    'ReportApiAnswerInvalid',
    /it is not JSON/,
  ],
  ['429', { do: 'status', status: 429 }, 'ReportApiUnavailable', /429 Too Many Requests/],
  ['500', { do: 'status', status: 500 }, 'ReportApiUnavailable', /500 Internal Server Error/],
  ['503', { do: 'status', status: 503, body: '<h1>' }, 'ReportApiUnavailable', /503 Service Unavailable/],
  ['a reset before the answer', { do: 'reset' }, 'ReportApiUnavailable', /to the report API failed/],
  [
    'a reset in the answer',
    { do: 'reset', afterBytes: 5 },
    'ReportApiUnavailable',
    /to the report API failed/,
  ],
  [
    'a truncated answer',
    { do: 'truncate', afterBytes: 5 },
    'ReportApiUnavailable',
    /to the report API failed/,
  ],
  ['malformed JSON', { do: 'malformed-json' }, 'ReportApiAnswerInvalid', /it is not JSON/],
  ['no answer', { do: 'hang' }, 'ReportApiUnavailable', /no complete answer within 3 s/],
  ['a slow answer', { do: 'trickle', bytesPerSecond: 1 }, 'ReportApiUnavailable', /no complete answer/],
  ['an endless answer', { do: 'endless' }, 'ReportApiUnavailable', /exceeded max size/],
  [
    'a redirect',
    { do: 'redirect', location: 'http://127.0.0.1:1/' },
    'ReportApiRefused',
    /302 Found.*REPORT_API_URL/,
  ],
];

describe('how the report API fails', () => {
  for (const [what, action, type, message] of FAULTS) {
    test(`${what}: ${type}`, async () => {
      const calls = {
        generate_report: () => api.generateReport(),
        get_report: () => api.getReport('t', signal),
        get_increment: () => api.getIncrement('r', DATE, signal),
      };
      for (const [on, call] of Object.entries(calls)) {
        sample.addFault({ on: on as keyof typeof calls, ...action });
        const failure = await failureOf(call());
        assert.equal(failure.type, type, failure.message);
        assert.equal(failure.nonRetryable, NEVER_HEAL.includes(type));
        assert.match(failure.message, message);
        assert.match(failure.message, new RegExp(on));
      }
      assert.equal(sample.requests.length, 3, 'one request a call');
    });
  }

  for (const [from, body] of [
    ['a gateway', '<h1>404 Not Found</h1>'],
    ['a gateway without a body', ''],
    ['a gateway that writes JSON', '{"message": "no Route matched"}'],
  ] as const) {
    test(`404 from ${from}: of the first call a wrong address, later a moment without a route`, async () => {
      const fault = { do: 'status', status: 404, body } as const;
      sample.addFault({ on: 'generate_report', ...fault });
      const first = await failureOf(api.generateReport());
      assert.equal(first.type, 'ReportApiRefused', first.message);
      sample.addFault({ on: 'get_report', ...fault });
      const second = await failureOf(api.getReport('t', signal));
      assert.equal(second.type, 'ReportApiAnswerInvalid', second.message);
      sample.addFault({ on: 'get_increment', ...fault });
      const third = await failureOf(api.getIncrement('r', DATE, signal));
      assert.equal(third.type, 'ReportApiAnswerInvalid', third.message);
    });
  }

  test('Retry-After says when to try again, in seconds or as a date', async () => {
    for (const [retryAfter, least] of [
      [3, 3_000],
      // An HTTP date has whole seconds, so up to one of them is gone, and some on the way.
      ['date:+60', 1_000],
    ] as const) {
      sample.addFault({ on: 'get_increment', do: 'status', status: 429, retryAfter });
      const failed = await failureOf(api.getIncrement('r', DATE, signal));
      const delay = Number(failed.nextRetryDelay);
      assert.ok(delay >= least && delay <= 60_000, String(delay));
    }
  });

  test('a redirect is not followed: its target never sees the key', async () => {
    const target = await startSampleApi({ source: deliveries });
    try {
      sample.addFault({
        on: 'get_report',
        do: 'redirect',
        location: `${target.url}/get_report?task_id=t`,
      });
      await failureOf(api.getReport('t', signal));
      assert.deepEqual(target.requests, []);
    } finally {
      await target.close();
    }
  });

  test('connection refused', async () => {
    const nobody = client({ baseUrl: 'http://127.0.0.1:1' });
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
