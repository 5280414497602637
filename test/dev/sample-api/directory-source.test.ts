import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { directorySource } from '../../../dev/sample-api/directory-source.ts';
import { call, withApi } from './client.ts';

const DATE = '2024-02-25';
let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sample-api-'));
  await mkdir(join(dir, 'report'));
  await mkdir(join(dir, 'increment', DATE), { recursive: true });
  await writeFile(
    join(dir, 'report', 'user_order_log.csv'),
    '\uFEFFdate_time,id\r\n2024-02-03T00:00:00,1\r\nrubbish,2\r\n2024-02-24T00:00:00,3\r\n2024-02-02T00:00:00,4\r\n',
  );
  await writeFile(join(dir, 'report', 'price_log.csv'), 'Молоко,100\n');
  await writeFile(join(dir, 'increment', DATE, 'price_log_inc.csv'), 'Молоко,120\n');
  await writeFile(join(dir, 'increment', DATE, 'notes.txt'), 'not delivered');
});

afterEach(() => rm(dir, { recursive: true }));

test('the report has its days from its rows, and the files that are there', () =>
  withApi({ source: directorySource(dir), pollsUntilReady: 0 }, async (client) => {
    const { data } = await client.getReport(await client.generateReport());
    assert.deepEqual([data?.start_day, data?.end_date], ['2024-02-02 00:00:00', '2024-02-24 00:00:00']);
    assert.deepEqual(Object.keys(data?.s3_path ?? {}), ['price_log', 'user_order_log']);
    assert.equal((await call(data?.s3_path['price_log'] ?? '')).text, 'Молоко,100\n');
  }));

test('a file is read anew for every request, also by an old URL', () =>
  withApi({ source: directorySource(dir) }, async (client) => {
    const path = join(dir, 'increment', DATE, 'price_log_inc.csv');
    const urls = await client.urls(DATE);
    assert.deepEqual(Object.keys(urls), ['price_log_inc']);
    const url = urls['price_log_inc'] ?? '';
    assert.equal((await call(url)).text, 'Молоко,120\n');
    await writeFile(path, 'Молоко,130\nХлеб,20\n');
    assert.equal((await call(url)).text, 'Молоко,130\nХлеб,20\n');
    await writeFile(path, '');
    assert.equal((await call(url)).text, '');
    await rm(path);
    assert.equal((await call(url)).status, 404);
    assert.deepEqual(await client.urls(DATE), {});
  }));

test('a date without a folder is NOT FOUND until there is one', () =>
  withApi({ source: directorySource(dir) }, async (client) => {
    const id = await client.reportId();
    assert.equal((await client.getIncrement(id, '2024-02-26')).status, 'NOT FOUND');
    await mkdir(join(dir, 'increment', '2024-02-26'));
    assert.equal((await client.getIncrement(id, '2024-02-26')).status, 'SUCCESS');
  }));

test('a directory without a usable report is an error that names what is missing', async () => {
  await writeFile(join(dir, 'report', 'user_order_log.csv'), 'id,date_time\n');
  await assert.rejects(
    async () => directorySource(dir).report(),
    /user_order_log\.csv has no row with a date/,
  );
  await writeFile(join(dir, 'report', 'user_order_log.csv'), 'id,day\n1,2024-02-25\n');
  await assert.rejects(async () => directorySource(dir).report(), /has no date_time column/);
  await rm(join(dir, 'report', 'user_order_log.csv'));
  await assert.rejects(async () => directorySource(dir).report(), /ENOENT/);
  await rm(join(dir, 'report'), { recursive: true });
  await assert.rejects(async () => directorySource(dir).report(), /report does not exist/);
});
