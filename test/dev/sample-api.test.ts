import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { request } from 'undici';
import { Faults, parseFaults } from '../../dev/sample-api/faults.ts';
import { startSampleApi, type SampleApi } from '../../dev/sample-api/server.ts';
import { Deliveries } from '../support/deliveries.ts';
import { sampleUrls } from '../support/sample-urls.ts';

/** What the product must not do shows only where the sample API would notice it. */
const HEADERS = { 'X-Nickname': 'sample', 'X-Cohort': '1', 'X-Project': 'True', 'X-API-KEY': 'sample-key' };
const DATE = '2024-02-25';

let api: SampleApi;
let urls: Record<string, string>;
before(async () => {
  const deliveries = new Deliveries();
  for (const date of [DATE, '2024-02-26']) deliveries.set(date, [{ uniq_id: date }]);
  api = await startSampleApi({ source: deliveries, pollsUntilReady: 0 });
  urls = await sampleUrls(api, DATE);
});
beforeEach(() => api.clearFaults());
after(() => api.close());

async function call(url: string, headers: Record<string, string> = {}, method: 'GET' | 'POST' = 'GET') {
  const { statusCode, body } = await request(url, { method, headers });
  return { status: statusCode, text: await body.text() };
}

for (const name of Object.keys(HEADERS)) {
  test(`a call without ${name}, or with a wrong one, is answered 401`, async () => {
    const others = Object.fromEntries(Object.entries(HEADERS).filter(([other]) => other !== name));
    for (const headers of [others, { ...others, [name]: 'secret-but-wrong' }]) {
      const { status, text } = await call(`${api.url}/generate_report`, headers, 'POST');
      assert.equal(status, 401);
      assert.doesNotMatch(text, /sample-key|secret-but-wrong/);
    }
  });

  test(`${name} sent to storage is answered 400`, async () => {
    const value = HEADERS[name as keyof typeof HEADERS];
    const { status, text } = await call(urls['price_log_inc'] ?? '', { [name]: value });
    assert.equal(status, 400);
    assert.match(text, /SENT TO STORAGE/);
  });
}

test('an id that is not encoded, or encoded twice, is answered 404', async () => {
  const { text } = await call(`${api.url}/generate_report`, HEADERS, 'POST');
  const { task_id: id } = JSON.parse(text) as { task_id: string };
  assert.match(id, /(?=.*=)(?=.*\+)(?=.*\/)/);
  const statusOf = async (sent: string) =>
    (await call(`${api.url}/get_report?task_id=${sent}`, HEADERS)).status;
  assert.equal(await statusOf(id), 404);
  assert.equal(await statusOf(encodeURIComponent(encodeURIComponent(id))), 404);
  assert.equal(await statusOf(encodeURIComponent(id)), 200);
});

test('an address of storage without its signature, or with that of another file, is answered 403', async () => {
  const url = urls['price_log_inc'] ?? '';
  assert.equal((await call(url)).status, 200);
  assert.equal((await call(url.replace(/\?.*/, ''))).status, 403);
  assert.equal((await call(url.replace('price_log_inc', 'user_order_log_inc'))).status, 403);
});

describe('which requests a fault meets', () => {
  test('only those of its date and file', async () => {
    const fault = { on: 'storage', times: -1, do: 'status', status: 503 } as const;
    api.addFault({ ...fault, date: '2024-02-26', file: 'price_log_inc' });
    const next = await sampleUrls(api, '2024-02-26');
    assert.equal((await call(urls['price_log_inc'] ?? '')).status, 200);
    assert.equal((await call(next['user_order_log_inc'] ?? '')).status, 200);
    assert.equal((await call(next['price_log_inc'] ?? '')).status, 503);
  });

  test('`skip` requests pass first, then `times` fail', () => {
    const faults = new Faults();
    faults.add({ on: 'storage', skip: 2, times: 3, do: 'hang' });
    const met = Array.from({ length: 7 }, () => faults.take({ on: 'storage' }) !== null);
    assert.deepEqual(met, [false, false, true, true, true, false, false]);
  });

  test('a fault that could never be met is refused, in code and as JSON', () => {
    assert.throws(() => new Faults().add({ on: 'storage', do: 'stuck' }), /works on get_report only/);
    for (const wrong of [{ do: 'explode' }, { do: 'hang', body: 'x' }, { do: 'truncate', afterBytes: -2 }])
      assert.throws(() => parseFaults([{ on: 'storage', ...wrong }]), /\[0\]/);
  });
});
