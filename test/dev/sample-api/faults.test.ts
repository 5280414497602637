import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { request } from 'undici';
import { Faults, parseFaults } from '../../../dev/sample-api/faults.ts';
import { generatedSource } from '../../../dev/sample-api/generated-source.ts';
import { call, withApi } from './client.ts';

const DATE = '2024-02-25';
const FILE = 'user_order_log_inc';
const source = generatedSource({ orders: 20 });

describe('faults of the connection', () => {
  test('reset before the answer', () =>
    withApi({ source, faults: [{ on: 'generate_report', do: 'reset' }] }, async (client, api) => {
      await assert.rejects(client.generateReport(), /ECONNRESET|other side closed/);
      assert.equal(api.requests[0]?.status, null);
      await client.generateReport();
    }));

  test('reset in the middle of the body', () =>
    withApi({ source }, async (client, api) => {
      const url = await client.url(DATE, FILE);
      api.addFault({ on: 'storage', do: 'reset', afterBytes: 1_000 });
      const { bytes, failure } = await readUntilItBreaks(url);
      assert.equal(bytes, 1_000);
      assert.match(failure, /ECONNRESET|terminated/);
      assert.equal((await call(url)).status, 200);
    }));

  test('truncate: the whole length is promised and the body ends sooner', () =>
    withApi({ source }, async (client, api) => {
      const url = await client.url(DATE, FILE);
      const whole = (await call(url)).headers['content-length'];
      for (const afterBytes of [0, 1_000, 10_000_000]) {
        api.addFault({ on: 'storage', do: 'truncate', afterBytes });
        const { bytes, failure, length } = await readUntilItBreaks(url);
        assert.equal(length, whole);
        assert.equal(bytes, Math.min(afterBytes, Number(whole) - 1));
        assert.match(failure, /other side closed|terminated/);
      }
    }));

  test('trickle keeps to its speed', () =>
    withApi({ source }, async (client, api) => {
      const url = await client.url(DATE, 'price_log_inc');
      const { text } = await call(url);
      api.addFault({ on: 'storage', do: 'trickle', bytesPerSecond: 1_000 });
      const start = performance.now();
      assert.equal((await call(url)).text, text);
      assert.ok(performance.now() - start > 300, 'some 400 bytes at 1,000 a second take 0.4 s');
    }));

  test('hang is never answered', () =>
    withApi({ source, faults: [{ on: 'generate_report', do: 'hang' }] }, async (client, api) => {
      await assert.rejects(
        request(`${api.url}/generate_report`, {
          method: 'POST',
          headers: {
            'X-Nickname': 'sample',
            'X-Cohort': '1',
            'X-Project': 'True',
            'X-API-KEY': 'sample-key',
          },
          signal: AbortSignal.timeout(200),
        }),
      );
      await client.generateReport();
      assert.deepEqual(
        api.requests.map(({ status, fault }) => [status, fault]),
        [
          [null, 'hang'],
          [200, null],
        ],
      );
    }));

  test('delay answers late', () =>
    withApi({ source, faults: [{ on: 'generate_report', do: 'delay', ms: 150 }] }, async (client) => {
      const start = performance.now();
      assert.notEqual(await client.generateReport(), '');
      assert.ok(performance.now() - start >= 140);
    }));

  test('huge sends that many bytes without a length, or never ends', () =>
    withApi({ source }, async (client, api) => {
      api.addFault({ on: 'get_report', do: 'huge', bytes: 3_000_000 });
      const { headers, text } = await client.raw('get_report?task_id=x');
      assert.equal(text.length, 3_000_000);
      assert.equal(headers['content-length'], undefined);
      assert.equal(typeof JSON.parse(text), 'string');
      const url = await client.url(DATE, FILE);
      api.addFault({ on: 'storage', do: 'huge', bytes: -1 });
      const { body } = await request(url);
      let bytes = 0;
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > 5_000_000) break;
      }
      assert.ok(bytes > 5_000_000);
    }));
});

describe('faults of the answer', () => {
  test('a status, with Retry-After in seconds or as a date', () =>
    withApi({ source }, async (client, api) => {
      api.addFault({ on: 'generate_report', do: 'status', status: 429, retryAfter: 2 });
      api.addFault({ on: 'generate_report', do: 'status', status: 503, retryAfter: 'date:+2' });
      api.addFault({ on: 'generate_report', do: 'status', status: 500, body: 'oops' });
      const [first, second, third, fourth] = [
        await client.raw('generate_report', 'POST'),
        await client.raw('generate_report', 'POST'),
        await client.raw('generate_report', 'POST'),
        await client.raw('generate_report', 'POST'),
      ];
      assert.deepEqual([first.status, first.headers['retry-after']], [429, '2']);
      assert.equal(second.status, 503);
      const ahead = Date.parse(String(second.headers['retry-after'])) - Date.now();
      assert.ok(ahead > 0 && ahead <= 2_000, `${ahead} ms`);
      assert.deepEqual([third.status, third.text, fourth.status], [500, 'oops', 200]);
    }));

  test('malformed JSON, other JSON and a redirect', () =>
    withApi({ source }, async (client, api) => {
      api.addFault({ on: 'generate_report', do: 'malformed-json' });
      api.addFault({ on: 'generate_report', do: 'json', body: ['wrong'] });
      api.addFault({
        on: 'generate_report',
        do: 'redirect',
        location: 'http://elsewhere.invalid/',
      });
      const malformed = await client.raw('generate_report', 'POST');
      assert.equal(malformed.status, 200);
      assert.throws(() => JSON.parse(malformed.text) as unknown, SyntaxError);
      assert.equal((await client.raw('generate_report', 'POST')).text, '["wrong"]');
      const redirect = await client.raw('generate_report', 'POST');
      assert.deepEqual([redirect.status, redirect.headers['location']], [302, 'http://elsewhere.invalid/']);
    }));

  test('a report that failed or is stuck stays so, and the next one does not', () =>
    withApi({ source, pollsUntilReady: 0 }, async (client, api) => {
      for (const [action, status] of [
        [{ do: 'report-status', status: 'FAILED' }, 'FAILED'],
        [{ do: 'stuck' }, 'RUNNING'],
      ] as const) {
        api.addFault({ on: 'get_report', ...action });
        const taskId = await client.generateReport();
        for (let poll = 0; poll < 3; poll++) {
          assert.deepEqual(await client.getReport(taskId), { http: 200, task_id: taskId, status });
        }
        assert.equal((await client.getReport(await client.generateReport())).status, 'SUCCESS');
      }
    }));

  test('empty URLs, no data, missing files and no increment', () =>
    withApi({ source }, async (client, api) => {
      const id = await client.reportId();
      api.addFault({ on: 'get_increment', do: 'empty-urls' });
      assert.deepEqual(
        new Set(Object.values((await client.getIncrement(id, DATE)).data?.s3_path ?? {})),
        new Set(['']),
      );
      api.addFault({ on: 'get_increment', do: 'null-data' });
      assert.deepEqual((({ status, data }) => [status, data])(await client.getIncrement(id, DATE)), [
        'SUCCESS',
        null,
      ]);
      api.addFault({
        on: 'get_increment',
        do: 'missing-files',
        files: [FILE, 'price_log_inc'],
      });
      assert.deepEqual(Object.keys((await client.getIncrement(id, DATE)).data?.s3_path ?? {}).sort(), [
        'customer_research_inc',
        'user_activity_log_inc',
      ]);
      api.addFault({ on: 'get_increment', do: 'not-found' });
      assert.equal((await client.getIncrement(id, DATE)).status, 'NOT FOUND');
      assert.equal(Object.keys((await client.getIncrement(id, DATE)).data?.s3_path ?? {}).length, 4);
    }));
});

describe('which requests a fault meets', () => {
  test('only those of its date and file', () =>
    withApi({ source }, async (client, api) => {
      const status = { do: 'status', status: 503 } as const;
      api.addFault({ on: 'storage', date: '2024-02-26', file: FILE, times: -1, ...status });
      api.addFault({ on: 'get_increment', date: '2024-02-27', ...status });
      const [first, second] = [await client.urls('2024-02-25'), await client.urls('2024-02-26')];
      assert.equal((await call(first[FILE] ?? '')).status, 200);
      assert.equal((await call(second['price_log_inc'] ?? '')).status, 200);
      assert.equal((await call(second[FILE] ?? '')).status, 503);
      assert.equal((await call(second[FILE] ?? '')).status, 503);
      assert.equal((await client.getIncrement(await client.reportId(), '2024-02-27')).http, 503);
      api.clearFaults();
      assert.equal((await call(second[FILE] ?? '')).status, 200);
    }));

  test('`skip` requests pass first, then `times` fail', () => {
    const faults = new Faults();
    faults.add({ on: 'storage', skip: 2, times: 3, do: 'hang' });
    const met = Array.from({ length: 7 }, () => faults.take({ on: 'storage' }) !== null);
    assert.deepEqual(met, [false, false, true, true, true, false, false]);
  });

  test('a fault that cannot work is refused when it is added', () => {
    const faults = new Faults();
    assert.throws(() => faults.add({ on: 'storage', do: 'stuck' }), /"stuck" works on get_report only/);
    assert.throws(() => faults.add({ on: 'storage', do: 'status', status: 7 }), /at \[0\]\.status/);
    assert.throws(
      () => faults.add({ on: 'storage', do: 'trickle', bytesPerSecond: 0 }),
      /at \[0\]\.bytesPerSecond/,
    );
  });
});

describe('faults from JSON', () => {
  test('have the same shape as in code', () => {
    const faults = [
      { on: 'get_report', times: -1, do: 'json', body: { task_id: 'x', status: 'ОШИБКА' } },
      { on: 'get_report', do: 'status', status: 429, retryAfter: 'date:+2', body: 'slow down', skip: 1 },
      { on: 'storage', do: 'huge', bytes: -1 },
      { on: 'get_increment', do: 'missing-files', files: ['a', 'b'], date: DATE },
    ];
    assert.deepEqual(parseFaults(JSON.parse(JSON.stringify(faults))), faults);
  });

  for (const [wrong, message] of [
    [{ on: 'storage', do: 'explode' }, /do/],
    [{ on: 'nowhere', do: 'hang' }, /generate_report/],
    [{ on: 'storage', do: 'hang', body: 'x' }, /body/],
    [{ on: 'storage', do: 'hang', date: '2024-02-30' }, /date/],
    [{ on: 'storage', do: 'status' }, /status/],
    [{ on: 'storage', do: 'truncate', afterBytes: -2 }, /afterBytes/],
    [{ on: 'storage', do: 'hang', times: -2 }, /times/],
  ] as const) {
    test(`${JSON.stringify(wrong)} is refused`, () => assert.throws(() => parseFaults([wrong]), message));
  }
});

/** Reads a body that breaks off, and returns how much of it arrived. */
async function readUntilItBreaks(url: string): Promise<{ bytes: number; failure: string; length: unknown }> {
  const { headers, body } = await request(url);
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) bytes += chunk.length;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return { bytes, failure: `${code} ${String(error)}`, length: headers['content-length'] };
  }
  return { bytes, failure: 'none: the body was whole', length: headers['content-length'] };
}
