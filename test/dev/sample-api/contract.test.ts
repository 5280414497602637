import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { generatedSource } from '../../../dev/sample-api/generated-source.ts';
import { sampleId } from '../../../dev/sample-api/ids.ts';
import type { DeliverySource } from '../../../dev/sample-api/server.ts';
import { startSampleApi } from '../../../dev/sample-api/server.ts';
import { call, HEADERS, withApi } from './client.ts';

const DATE = '2024-02-25';
const source = generatedSource({ orders: 20 });

describe('headers', () => {
  for (const name of Object.keys(HEADERS)) {
    test(`without or with a wrong ${name} a call is answered 401, and the key is not repeated`, () =>
      withApi({ source, apiKey: 'sample-key' }, async (_, api) => {
        for (const value of [null, 'secret-but-wrong']) {
          const right = Object.entries(HEADERS).filter(([other]) => other !== name);
          const headers = Object.fromEntries(value === null ? right : [...right, [name, value]]);
          const { status, text } = await call(`${api.url}/generate_report`, headers, 'POST');
          assert.equal(status, 401);
          assert.match((JSON.parse(text) as { error: string }).error, new RegExp(name, 'i'));
          assert.doesNotMatch(text, /sample-key|secret-but-wrong/);
        }
      }));
  }

  test('another key, nickname and cohort can be set', () =>
    withApi({ source, apiKey: 'k', nickname: 'n', cohort: 'c' }, async (_, api) => {
      const headers = { 'X-Nickname': 'n', 'X-Cohort': 'c', 'X-Project': 'True', 'X-API-KEY': 'k' };
      assert.equal((await call(`${api.url}/generate_report`, headers, 'POST')).status, 200);
    }));

  test('an unknown call is 404 and a wrong method 405', () =>
    withApi({ source }, async (client) => {
      assert.equal((await client.json('get_reports')).http, 404);
      assert.equal((await client.json('generate_report')).http, 405);
    }));
});

describe('ids', () => {
  test('every kind of id is valid base64 with +, / and =', () => {
    for (const kind of ['task', 'report', 'increment'] as const) {
      const ids = Array.from({ length: 1_200 }, (_, nth) => sampleId(kind, nth, nth % 2 === 0 ? '' : DATE));
      assert.equal(new Set(ids).size, ids.length);
      for (const id of ids) {
        assert.equal(Buffer.from(id, 'base64').toString('base64'), id);
        for (const letter of '+/=') assert.ok(id.includes(letter), `${id} lacks ${letter}`);
      }
    }
  });

  test('an id that is not encoded, encoded twice or made up is 404', () =>
    withApi({ source, pollsUntilReady: 0 }, async (client) => {
      const taskId = await client.generateReport();
      for (const wrong of [taskId, encodeURIComponent(encodeURIComponent(taskId)), 'bm9uZQ%3D%3D', '']) {
        assert.equal((await client.json(`get_report?task_id=${wrong}`)).http, 404, wrong);
      }
      const reportId = (await client.getReport(taskId)).data?.report_id ?? '';
      assert.equal(
        (await client.json(`get_increment?report_id=${reportId}&date=${DATE}T00:00:00`)).http,
        404,
      );
      assert.equal((await client.getIncrement(reportId, DATE)).http, 200);
    }));
});

describe('reports', () => {
  test('a report is RUNNING for so many polls and then SUCCESS for ever', () =>
    withApi({ source, pollsUntilReady: 2 }, async (client, api) => {
      const taskId = await client.generateReport();
      assert.deepEqual(await client.getReport(taskId), { http: 200, task_id: taskId, status: 'RUNNING' });
      assert.equal((await client.getReport(taskId)).status, 'RUNNING');
      const { status, data } = await client.getReport(taskId);
      assert.equal(status, 'SUCCESS');
      assert.equal(data?.start_day, '2024-02-02 00:00:00');
      assert.equal(data.end_date, '2024-02-24 00:00:00');
      assert.deepEqual(Object.keys(data.s3_path).sort(), [
        'customer_research',
        'price_log',
        'user_activity_log',
        'user_order_log',
      ]);
      api.setReady({ pollsUntilReady: 100 });
      assert.equal((await client.getReport(taskId)).status, 'SUCCESS');
      assert.equal((await client.getReport(await client.generateReport())).status, 'RUNNING');
    }));

  test('a report is RUNNING for so long', () =>
    withApi({ source, pollsUntilReady: 0, readyAfterMs: 60_000 }, async (client, api) => {
      const taskId = await client.generateReport();
      assert.equal((await client.getReport(taskId)).status, 'RUNNING');
      api.setReady({ readyAfterMs: 0 });
      assert.equal((await client.getReport(taskId)).status, 'SUCCESS');
    }));

  test('an increment needs a report that is done: 404 for an unknown one, 409 for a running one', () =>
    withApi({ source }, async (client) => {
      assert.equal((await client.getIncrement(sampleId('report', 1), DATE)).http, 404);
      await client.generateReport();
      assert.equal((await client.getIncrement(sampleId('report', 1), DATE)).http, 409);
    }));
});

describe('increments', () => {
  test('the answer is the one of the contract, and asking again names the same increment', () =>
    withApi({ source }, async (client) => {
      const reportId = await client.reportId();
      const answer = await client.getIncrement(reportId, DATE);
      assert.equal(answer.status, 'SUCCESS');
      assert.equal(answer.report_id, reportId);
      assert.equal(answer.date, '2024-02-25 00:00:00');
      assert.deepEqual(Object.keys(answer.data?.s3_path ?? {}).sort(), [
        'customer_research_inc',
        'price_log_inc',
        'user_activity_log_inc',
        'user_order_log_inc',
      ]);
      assert.deepEqual(await client.getIncrement(reportId, DATE), answer);
      const next = await client.getIncrement(reportId, '2024-02-26');
      assert.notEqual(next.data?.increment_id, answer.data?.increment_id);
    }));

  for (const notFoundStatus of [200, 404] as const) {
    test(`a date without an increment is NOT FOUND with HTTP ${notFoundStatus}`, () =>
      withApi({ source, notFoundStatus }, async (client) => {
        const reportId = await client.reportId();
        const { debug_info: info, ...answer } = await client.getIncrement(reportId, '2024-02-24');
        assert.match(info ?? '', /^Date is too early/);
        const date = '2024-02-24 00:00:00';
        assert.deepEqual(answer, {
          http: notFoundStatus,
          status: 'NOT FOUND',
          report_id: reportId,
          date,
          data: null,
        });
      }));
  }

  test('an impossible date is answered 400', () =>
    withApi({ source }, async (client) => {
      const id = encodeURIComponent(await client.reportId());
      for (const date of ['2024-02-30T00:00:00', '2024-02-25', 'yesterday', '']) {
        assert.equal((await client.json(`get_increment?report_id=${id}&date=${date}`)).http, 400, date);
      }
    }));

  test('null, missing, literal and empty entries of a delivery are passed on as they are', async () => {
    const files = { a: null, b: undefined, c: { url: '' }, d: { url: 'ftp://x' }, e: '' };
    const odd: DeliverySource = { ...source, increment: () => ({ files }) };
    await withApi({ source: odd }, async (client) => {
      const { e, ...urls } = await client.urls(DATE);
      assert.deepEqual(urls, { a: null, c: '', d: 'ftp://x' });
      const empty = await call(e ?? '');
      assert.deepEqual([empty.status, empty.text, empty.headers['content-length']], [200, '', '0']);
    });
  });

  test('a source that fails gives a 500 with the reason', async () => {
    const broken: DeliverySource = {
      ...source,
      increment: () => Promise.reject(new Error('the disk is gone')),
    };
    await withApi({ source: broken }, async (client) => {
      const { http, error } = await client.getIncrement(await client.reportId(), DATE);
      assert.deepEqual([http, error], [500, 'the disk is gone']);
    });
  });
});

describe('storage', () => {
  test('a file is a plain GET of a signed URL on another address, with length and MD5', () =>
    withApi({ source }, async (client, api) => {
      const url = await client.url(DATE, 'user_order_log_inc');
      assert.ok(url.startsWith(`${api.storageUrl}/bucket/`));
      assert.notEqual(api.storageUrl, api.url);
      assert.match(url, /\/user_order_log_inc\.csv\?X-Amz-Signature=[0-9a-f]{64}&X-Amz-Expires=\d+$/);
      const { status, headers, text } = await call(url);
      assert.equal(status, 200);
      assert.equal(headers['content-length'], String(Buffer.byteLength(text)));
      assert.equal(headers['etag'], `"${createHash('md5').update(text).digest('hex')}"`);
    }));

  test('a missing or wrong signature is 403', () =>
    withApi({ source }, async (client) => {
      const url = await client.url(DATE, 'price_log_inc');
      assert.equal((await call(url.replace(/\?.*/, ''))).status, 403);
      assert.equal((await call(url.replace(/Signature=./, 'Signature=g'))).status, 403);
      assert.equal((await call(url.replace('price_log_inc', 'user_order_log_inc'))).status, 403);
    }));

  for (const [name, value] of Object.entries(HEADERS)) {
    test(`${name} sent to storage is refused, and not repeated`, () =>
      withApi({ source }, async (client, api) => {
        const { status, text } = await call(await client.url(DATE, 'price_log_inc'), { [name]: value });
        assert.equal(status, 400);
        assert.match(text, /SENT TO STORAGE/);
        assert.doesNotMatch(text, /sample-key/);
        const last = api.requests.at(-1);
        assert.deepEqual(
          [last?.server, last?.status, last?.headers[name.toLowerCase()]],
          ['storage', 400, value],
        );
      }));
  }
});

describe('the server itself', () => {
  test('records every request in order', () =>
    withApi({ source }, async (client, api) => {
      await call(await client.url(DATE, 'price_log_inc'));
      assert.deepEqual(
        api.requests.map(({ server, method, endpoint, status }) => [server, method, endpoint, status]),
        [
          ['api', 'POST', 'generate_report', 200],
          ['api', 'GET', 'get_report', 200],
          ['api', 'GET', 'get_report', 200],
          ['api', 'GET', 'get_increment', 200],
          ['storage', 'GET', 'storage', 200],
        ],
      );
    }));

  test('a port in use is an error in one sentence, and the other server is closed', () =>
    withApi({ source }, async (_, api) => {
      const port = Number(new URL(api.url).port);
      await assert.rejects(
        startSampleApi({ source, port }),
        new RegExp(`^Error: Port ${port} on 127.0.0.1 is already in use`),
      );
    }));

  test('close destroys connections, even one that never sent anything', async () => {
    const api = await startSampleApi({ source });
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await api.close();
    await closed;
    await assert.rejects(call(api.url));
  });
});
