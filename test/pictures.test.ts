import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { generatedSource } from '../dev/sample-api/generated-source.ts';
import { startTemporalServer } from '../dev/services/temporal-server.ts';
import { addDays } from '../domain/load-date.ts';
import { projectRoot } from '../runtime/project-root.ts';
import { until } from './client/harness.ts';
import { Browser, findBrowser } from './support/browser.ts';
import { client } from './support/client.ts';
import { variable } from './support/database.ts';
import { TestStack } from './support/stack.ts';

const FOLDER = path.join(projectRoot, process.env.PICTURES ?? 'var/pictures');
/** Eight weeks for the documentation; what is tried takes a few days. */
const FIRST_DAY = process.env.PICTURES ? '2024-03-01' : '2024-04-15';
const LAST_DAY = '2024-04-28';
const FAILED_DAY = '2024-04-17';

const executable = findBrowser();
const skip = executable === undefined && 'no Chromium: apt-get install chromium, or set CHROMIUM';

/** Taken anew by every run of the tests, so that what they show is what there is; `npm run pictures` renews docs/images. */
describe('the pictures of the documentation', { skip }, () => {
  let browser: Browser;
  let stack: TestStack;
  let ui: string;
  let report: string;
  /** What was begun, also when the rest failed. */
  const stops: (() => Promise<unknown>)[] = [];

  before(async () => {
    assert.ok(executable);
    await mkdir(FOLDER, { recursive: true });
    const directory = await mkdtemp(path.join(tmpdir(), 'pictures-'));
    stops.push(() => rm(directory, { recursive: true, force: true }));
    const temporal = await startTemporalServer({
      cliPath: variable('TEMPORAL_CLI'),
      logFile: path.join(directory, 'temporal.log'),
    });
    stops.push(() => temporal.stop());
    ui = `${temporal.uiUrl ?? ''}/namespaces/default`;
    process.env.TEMPORAL_ADDRESS = temporal.address;
    stack = await TestStack.start({
      api: { source: generatedSource() },
      settings: { TEMPORAL_TASK_QUEUE: 'sales-increment', REPORT_POLL_INTERVAL: '2s', FILES_TIMEOUT: '30m' },
    });
    stops.push(() => stack.close());
    await ends(0, 'search-attributes');
    await ends(0, 'schedule', 'apply', '--paused');
    const fault = { do: 'status', status: 200, body: '<!doctype html><title>Sign in</title>' } as const;
    stack.api.addFault({ on: 'storage', date: FAILED_DAY, file: 'price_log_inc', times: -1, ...fault });
    await ends(1, 'backfill', '--from', FIRST_DAY, '--to', addDays(LAST_DAY, -1));
    await ends(1, 'run', '--date', FAILED_DAY);
    await ends(0, 'run', '--date', LAST_DAY);
    report = path.join(directory, 'report.html');
    await ends(0, 'report', '--from', FIRST_DAY, '--to', LAST_DAY, '--out', report);
    browser = await Browser.start(executable);
    stops.push(() => browser.close());
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  async function ends(expected: number, ...args: string[]): Promise<void> {
    const { code, stderr } = await client(args, stack.environment);
    assert.equal(code, expected, stderr);
  }

  async function detailsOf(date: string): Promise<string> {
    const { runId } = await stack.client.workflow.getHandle(`sales-increment-${date}`).describe();
    return `${ui}/workflows/sales-increment-${date}/${runId}/user-metadata`;
  }

  /** Waits until the page, which is drawn by its own scripts, shows the texts; the UI capitalises some of them. */
  async function take(name: string, size: [number, number], url: string, ...texts: string[]): Promise<void> {
    await browser.size(...size);
    await browser.open(url);
    await until(`the page shows ${texts.join(', ')}`, async () => {
      // The UI draws Markdown in frames of their own.
      const shown = await browser.evaluate(
        `[document, ...[...document.querySelectorAll('iframe')].map((frame) => frame.contentDocument)]
          .map((one) => one?.body?.innerText ?? '').join()`,
      );
      return texts.every((text) => String(shown).toLowerCase().includes(text.toLowerCase()));
    });
    await writeFile(path.join(FOLDER, name), await browser.screenshot());
  }

  test('a run in the Temporal UI: its steps by file, rows and date', async () => {
    const url = `${ui}/workflows/sales-increment-${LAST_DAY}`;
    const step = `user_order_log_inc of ${LAST_DAY}`;
    await take('temporal-run.png', [1300, 1085], url, 'Completed', 'stageFile', step, '"outcome": "loaded"');
  });

  test('its current details: the files, with their rows', async () => {
    const texts = [`${LAST_DAY} is loaded.`, 'rows read, ', ' rejected', 'price_log_inc: '];
    await take('temporal-details.png', [1300, 640], await detailsOf(LAST_DAY), ...texts);
  });

  test('the current details of a run that failed: why, and what to do', async () => {
    const texts = ['Failed', `price_log_inc of ${FAILED_DAY} is refused`, 'Next: ', 'run the day again'];
    await take('temporal-failed.png', [1300, 640], await detailsOf(FAILED_DAY), ...texts);
  });

  test('the daily schedule, with upcoming runs and its input', async () => {
    const texts = ['sales-increment-daily', 'Paused', 'Upcoming Runs', '"offsetDays": 1'];
    await take('temporal-schedule.png', [1300, 1000], `${ui}/schedules/sales-increment-daily`, ...texts);
  });

  test('the report page', async () => {
    const texts = ['Sales report', `${FAILED_DAY}: failed`, 'Weekly retention'];
    await take('report.png', [1000, 1100], pathToFileURL(report).href, ...texts);
  });
});
