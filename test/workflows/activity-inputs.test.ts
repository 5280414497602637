import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
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
import { stackFor } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';

const logger = new DefaultLogger('ERROR');
let stack: TestStack;
let activities: Activities;
let close: () => Promise<unknown>;

before(async () => {
  stack = await TestStack.start({ worker: false });
  const limits = { maxBytes: 1e6, idleTimeoutMs: 1_000, minBytesPerIdleTimeout: 1 };
  const downloader = new Downloader(limits, new FileAddresses(stack.api.url));
  const access = { apiKey: 'sample-key', nickname: 'sample', cohort: '1', timeoutMs: 1_000 };
  const reportApi = new ReportApi({ baseUrl: stack.api.url, ...access });
  activities = createActivities({
    database: new Database(stack.db.pool),
    reportApi,
    downloader,
    landing: new Landing(path.join(stack.landingDir, 'landing')),
    defaultRunOptions: readWorkerSettings(stack.environment).defaultRunOptions,
    alerts: { webhookUrl: undefined, temporalUiUrl: '', namespace: '' },
  });
  close = () => Promise.all([downloader.close(), reportApi.close()]);
});
after(async () => {
  await close();
  await stack.close();
});

const FILE = { loadDate: '2024-03-06', source: 'increment', feed: 'price_log' };
const REPORT = { reportId: 'r', taskId: 't' };
const DELIVERY = { loadDate: '2024-03-06', source: 'increment' };
const OUTCOME = { number: 1, startedAt: '2024-03-07T05:00:00.000Z' };
const RANGE = { from: '2024-03-01', to: '2024-03-09', concurrency: 1 };
const DOWNLOAD = { ...FILE, deliveryNumber: 1 };

/** As another caller of the namespace may start them, and what the failure must name. */
const CALLS: [activity: keyof Activities, input: unknown[], named: RegExp][] = [
  [
    'landFile',
    [{ ...FILE, loadDate: '2024-03-06/../../trav' }, REPORT, 0.1],
    /loadDate is "2024-03-06\/\.\.\/\.\.\/trav"/,
  ],
  ['landFile', [{ ...FILE, feed: '../../price_log' }, REPORT, 0.1], /feed is "\.\.\/\.\.\/price_log"/],
  ['landFile', [{ ...FILE, source: '/../x' }, REPORT, 0.1], /source is "\/\.\.\/x"/],
  ['landFile', [null, REPORT, 0.1], /the input is null/],
  ['landFile', [FILE, { ...REPORT, reportId: 'a\r\nb' }, 0.1], /reportId is "a\\r\\nb"/],
  ['landFile', [FILE, REPORT, 2], /the input is 2/],
  ['stageFile', [FILE], /deliveryNumber is missing/],
  ['stageFile', [{ ...DOWNLOAD, deliveryNumber: '1/../../x' }], /deliveryNumber is "1\/\.\.\/\.\.\/x"/],
  ['stageFile', [{ ...DOWNLOAD, deliveryNumber: 1.5 }], /deliveryNumber is 1\.5/],
  ['stageFile', [{ ...DOWNLOAD, feed: 'mart.f_sales' }], /feed is "mart\.f_sales"/],
  ['stageFile', [{ ...DOWNLOAD, loadDate: '2024-02-30' }], /loadDate is "2024-02-30"/],
  ['claimDay', [{ claim: '2024-03-06' }, { workflowId: 1, runId: 'r', isWhole: true }], /workflowId is 1: /],
  ['updateFSales', [DELIVERY, { ...OUTCOME, files: 'all' }], /files is "all"/],
  ['recordFailure', [DELIVERY, { ...OUTCOME, number: -1 }], /number is -1/],
  ['recordFailure', [DELIVERY, { ...OUTCOME, number: 2e9 }], /number is 2000000000/],
  ['recordNotFound', [DELIVERY, { ...OUTCOME, startedAt: 'never' }], /startedAt is "never"/],
  ['planBackfill', [RANGE, -1], /the input is -1/],
  ['failBackfillDays', [RANGE, '2024-02-30', 'x'], /the input is "2024-02-30"/],
  [
    'recordBackfillDays',
    [[{ date: '2024-03-06', outcome: 'partial', error: null }]],
    /0\.outcome is "partial"/,
  ],
  ['getIncrement', ['r', '2024-03-06&x=1'], /the input is "2024-03-06&x=1"/],
  ['getReport', ['x'.repeat(2_001)], /the input is "xxx/],
];

describe('inputs of activities are checked, and none leads out of LANDING_DIR (contract, ruling 38)', () => {
  for (const [name, input, named] of CALLS) {
    test(`${name} ${JSON.stringify(input).slice(0, 100)}`, async () => {
      const activity = activities[name] as (...args: unknown[]) => Promise<unknown>;
      const failure: unknown = await new MockActivityEnvironment(undefined, { logger })
        .run(activity, ...input)
        .catch((error: unknown) => error);
      assert.ok(failure instanceof ApplicationFailure, String(failure));
      assert.equal(failure.type, 'InvalidInput', failure.message);
      assert.match(failure.message, named);
      assert.deepEqual(stack.api.requests, []);
      assert.deepEqual(await readdir(stack.landingDir), []);
    });
  }
});

test('all that a day lands is for its user only, whatever the umask (contract, ruling 36)', async (t) => {
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const other = await stackFor(t);
  other.deliveries.set('2024-02-25', [{ uniq_id: 'a' }, { uniq_id: 'b', quantity: 'bad' }]);
  await other.runDay('2024-02-25', { maxRejectedShare: 0.5 });
  const entries = await readdir(other.landingDir, { recursive: true, withFileTypes: true });
  assert.equal(entries.filter((entry) => entry.isFile()).length, FEEDS.length);
  for (const entry of entries) {
    const { mode } = await stat(path.join(entry.parentPath, entry.name));
    assert.equal((mode & 0o777).toString(8), entry.isDirectory() ? '700' : '600', entry.name);
  }
});
