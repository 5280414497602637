import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger } from '@temporalio/worker';
import { FEEDS } from '../../domain/feeds.ts';
import { createActivities, type Activities } from '../../activities/index.ts';
import { Database } from '../../database/database.ts';
import { Downloader } from '../../pipeline/extract/download.ts';
import { FileAddresses } from '../../pipeline/extract/file-address.ts';
import { Landing } from '../../pipeline/extract/landing.ts';
import { ReportApi } from '../../pipeline/extract/report-api.ts';
import { readWorkerSettings } from '../../worker/settings.ts';
import { failureOf } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';

const logger = new DefaultLogger('ERROR');
const stack = await TestStack.start({ worker: false });
const limits = { maxBytes: 1e6, idleTimeoutMs: 1_000, minBytesPerIdleTimeout: 1 };
const downloader = new Downloader(limits, new FileAddresses(stack.api.url));
const access = { apiKey: 'sample-key', nickname: 'sample', cohort: '1', timeoutMs: 1_000 };
const reportApi = new ReportApi({ baseUrl: stack.api.url, ...access });
const activities = createActivities({
  database: new Database(stack.db.pool),
  reportApi,
  downloader,
  landing: new Landing(path.join(stack.landingDir, 'landing')),
  defaultRunOptions: readWorkerSettings(stack.environment).defaultRunOptions,
  alerts: { webhookUrl: undefined, temporalUiUrl: '', namespace: '' },
});
after(() => Promise.all([downloader.close(), reportApi.close(), stack.close()]));

const FILE = { loadDate: '2024-03-06', source: 'increment', feed: 'price_log' };
const REPORT = { reportId: 'r', taskId: 't' };
const DELIVERY = { loadDate: '2024-03-06', source: 'increment' };
const OUTCOME = { number: 1, startedAt: '2024-03-07T05:00:00.000Z' };
const DUE = '2024-03-07T05:00:00.000Z';
const DAY = { loadDate: '2024-03-06' };
const RANGE = { from: '2024-03-01', to: '2024-03-09', concurrency: 1 };
const DOWNLOAD = { ...FILE, deliveryNumber: 1 };
const CHECKPOINT = { startedAt: DUE, accepted: [], lateAlertSent: false };

type Call = [input: unknown[], named: RegExp];
/** What workflows are started with, in the UI as well: any JSON. */
const planDay = (input: unknown, named: RegExp): Call => [[input, DUE], named];
const option = (name: string, value: unknown, named: RegExp) =>
  planDay({ ...DAY, options: { [name]: value } }, named);

/** As another caller of the namespace may start them, and what the failure must name. */
const CALLS: Partial<Record<keyof Activities, Call[]>> = {
  landFile: [
    [[{ ...FILE, loadDate: '2024-03-06/../../x' }, REPORT, 0.1], /loadDate is "2024-03-06\/\.\.\/\.\.\/x"/],
    [[{ ...FILE, feed: '../../price_log' }, REPORT, 0.1], /feed is "\.\.\/\.\.\/price_log"/],
    [[{ ...FILE, source: '/../x' }, REPORT, 0.1], /source is "\/\.\.\/x"/],
    [[null, REPORT, 0.1], /the input is null/],
    [[FILE, { ...REPORT, reportId: 'a\r\nb' }, 0.1], /reportId is "a\\r\\nb"/],
    [[FILE, REPORT, 2], /the input is 2/],
  ],
  stageFile: [
    [[FILE], /deliveryNumber is missing/],
    [[{ ...DOWNLOAD, deliveryNumber: '1/../../x' }], /deliveryNumber is "1\/\.\.\/\.\.\/x"/],
    [[{ ...DOWNLOAD, deliveryNumber: 1.5 }], /deliveryNumber is 1\.5/],
    [[{ ...DOWNLOAD, feed: 'mart.f_sales' }], /feed is "mart\.f_sales"/],
    [[{ ...DOWNLOAD, loadDate: '2024-02-30' }], /loadDate is "2024-02-30"/],
  ],
  claimDay: [[[{ claim: '2024-03-06' }, { workflowId: 1, runId: 'r', isWhole: true }], /workflowId is 1: /]],
  updateFSales: [[[DELIVERY, { ...OUTCOME, files: 'all' }], /files is "all"/]],
  recordFailure: [
    [[DELIVERY, { ...OUTCOME, number: -1 }], /number is -1/],
    [[DELIVERY, { ...OUTCOME, number: 2e9 }], /number is 2000000000/],
  ],
  recordNotFound: [[[DELIVERY, { ...OUTCOME, startedAt: 'never' }], /startedAt is "never"/]],
  failBackfillDays: [[[RANGE, '2024-02-30', 'x'], /the input is "2024-02-30"/]],
  recordBackfillDays: [
    [[[{ date: '2024-03-06', outcome: 'partial', error: null }]], /0\.outcome is "partial"/],
  ],
  getIncrement: [[['r', '2024-03-06&x=1'], /the input is "2024-03-06&x=1"/]],
  getReport: [[['x'.repeat(2_001)], /the input is "xxx/]],
  planDay: [
    planDay(null, /the input is null/),
    planDay('text', /the input is "text"/),
    planDay({}, /loadDate is missing/),
    planDay({ loadDate: '2024-02-30' }, /loadDate is "2024-02-30"/),
    planDay({ loadDate: '9999-12-31' }, /loadDate is "9999-12-31"/),
    planDay({ loadDate: 20240306 }, /loadDate is 20240306/),
    planDay({ ...DAY, options: null }, /options is null/),
    option('maxRejectedShare', '10%', /maxRejectedShare is "10%"/),
    option('maxRejectedShare', 1.5, /maxRejectedShare is 1\.5/),
    option('filesTimeoutMs', -1, /filesTimeoutMs is -1/),
    option('optionalFiles', ['x'], /optionalFiles\.0 is "x"/),
    option('reportPollIntervalMs', '1s', /reportPollIntervalMs is "1s"/),
    planDay({ ...DAY, files: [] }, /files is \[\]/),
    planDay({ ...DAY, files: 'user_order_log_inc' }, /files is "user_order_log_inc"/),
    planDay({ ...DAY, files: ['user_order_log'] }, /files\.0 is "user_order_log"/),
    planDay({ ...DAY, report: {} }, /report\.reportId is missing/),
    planDay({ schedule: { timeZone: 'Moscow', offsetDays: 1 } }, /schedule\.timeZone is "Moscow"/),
    planDay({ ...DAY, tagged: true }, /tagged/),
    planDay({ ...DAY, checkpoint: {} }, /checkpoint\.startedAt is missing/),
    planDay({ ...DAY, checkpoint: { ...CHECKPOINT, number: 2 ** 53 - 1 } }, /checkpoint\.number is 90071992/),
  ],
  planHistory: [
    [[null], /the input is null/],
    [[{ options: 1 }], /options is 1/],
    [
      [{ checkpoint: { ...CHECKPOINT, report: { ...REPORT, startDay: '2024-02-02' } } }],
      /checkpoint\.report\.present is missing.*checkpoint\.report\.missing is missing/,
    ],
  ],
  planBackfill: [
    [[RANGE, -1], /the input is -1/],
    [[null, 10], /the input is null/],
    [[undefined, 10], /the input is missing/],
    [[{ ...RANGE, to: '2024-02-05' }, 10], /to is "2024-02-05"/],
    [[{ ...RANGE, from: '1899-12-31' }, 10], /from is "1899-12-31"/],
    [[{ ...RANGE, concurrency: 0 }, 10], /concurrency is 0/],
    [[{ ...RANGE, concurrency: 101 }, 10], /concurrency is 101: .*1 to 100/],
  ],
  sendAlert: [
    [[null], /the input is null/],
    [[undefined], /the input is missing/],
    [[{ loadDate: 'x'.repeat(10_000) }], /kind is missing.*loadDate is "x{50}/],
  ],
};

for (const [name, calls] of Object.entries(CALLS))
  test(`inputs of ${name} are checked (contract, ruling 21), and none leads out of LANDING_DIR (ruling 38)`, async () => {
    const activity = activities[name as keyof Activities] as (...args: unknown[]) => Promise<unknown>;
    for (const [input, named] of calls) {
      const failure: unknown = await new MockActivityEnvironment(undefined, { logger })
        .run(activity, ...input)
        .catch((error: unknown) => error);
      assert.ok(failure instanceof ApplicationFailure, `${JSON.stringify(input)}: ${String(failure)}`);
      assert.equal(failure.type, 'InvalidInput', failure.message);
      assert.match(failure.message, named);
    }
    assert.deepEqual(stack.api.requests, []);
    assert.deepEqual(await readdir(stack.landingDir), []);
  });

test('a workflow whose input is none fails at once, and leaves no trace', async () => {
  await stack.startWorker();
  for (const workflow of ['salesIncrement', 'salesHistory', 'salesBackfill', 'salesAlert']) {
    const run = stack.client.workflow.execute(workflow, {
      workflowId: `${stack.taskQueue}-${workflow}`,
      taskQueue: stack.taskQueue,
      args: [null],
    });
    const { type, message } = await failureOf(run);
    assert.deepEqual([type, /the input is null/.test(message)], ['InvalidInput', true], message);
  }
  for (const table of ['day_load', 'file_load'])
    assert.deepEqual(await stack.rows(`select from staging.${table}`), []);
});

test('all that a day lands is for its user only, whatever the umask (contract, ruling 36)', async (t) => {
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }, { uniq_id: 'b', quantity: 'bad' }]);
  await stack.runDay('2024-02-25', { maxRejectedShare: 0.5 });
  const entries = await readdir(stack.landingDir, { recursive: true, withFileTypes: true });
  assert.equal(entries.filter((entry) => entry.isFile()).length, FEEDS.length);
  for (const entry of entries) {
    const { mode } = await stat(path.join(entry.parentPath, entry.name));
    assert.equal((mode & 0o777).toString(8), entry.isDirectory() ? '700' : '600', entry.name);
  }
});
