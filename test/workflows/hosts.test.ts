import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { FEEDS } from '../../domain/feeds.ts';
import { eachDay } from '../../domain/load-date.ts';
import { callsOf, kill, stackFor, startWorkerProcess, until } from '../client/harness.ts';
import type { TestStack } from '../support/stack.ts';

/** Any worker takes any step: the database is all that they share. */

const DATE = '2024-02-25';

/** Directories for landing, removed when the test ends. */
async function directoriesFor(t: TestContext, ...names: string[]): Promise<string[]> {
  const directories = await Promise.all(names.map((name) => mkdtemp(path.join(tmpdir(), `${name}-`))));
  t.after(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));
  return directories;
}

async function landedIn(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith('.csv'));
}

async function landedFiles(stack: TestStack): Promise<number> {
  return (await stack.rows('select from staging.landed_file')).length;
}

describe('workers and landing directories', { concurrency: 3 }, () => {
  test('a worker dies for good: another goes on, with another disk, and downloads nothing that had landed', async (t) => {
    const stack = await stackFor(t, { worker: false });
    const [first = '', second = ''] = await directoriesFor(t, 'first', 'second');
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
    stack.api.addFault({ on: 'storage', file: 'price_log_inc', times: 1, do: 'hang' });
    const doomed = await startWorkerProcess(t, stack, { LANDING_DIR: first });
    const run = await stack.startDay(DATE);
    await until('all files but one have landed', async () => (await landedFiles(stack)) === FEEDS.length - 1);
    await stack.startWorker({ LANDING_DIR: second });
    await kill(doomed);
    const { outcome, files } = await run.result();
    assert.equal(outcome, 'loaded');
    assert.equal(files.user_order_log_inc?.rows_kept, 1);
    assert.equal(callsOf(stack, 'storage').length, FEEDS.length + 1);
    assert.equal((await landedIn(first)).length, FEEDS.length - 1);
    assert.match((await landedIn(second)).join(), new RegExp(`^${DATE}/price_log_inc\\.\\d+\\.csv$`));
    const timeouts = ((await run.fetchHistory()).events ?? []).filter(
      ({ activityTaskTimedOutEventAttributes: timedOut }) => timedOut,
    );
    assert.deepEqual(timeouts, [], 'a retry, not a failed step');
  });

  test('a landing directory that cannot be used holds no day where another worker could take it; on few slots, with slow downloads, nothing is downloaded in vain', async (t) => {
    const stack = await stackFor(t, { worker: false, settings: { DATABASE_POOL_SIZE: '2' } });
    const [broken = '', healthy = ''] = await directoriesFor(t, 'broken', 'healthy');
    await startWorkerProcess(t, stack, { LANDING_DIR: broken });
    await stack.startWorker({ LANDING_DIR: healthy });
    // Nothing can be made below a file, not even by root.
    await rm(broken, { recursive: true });
    await writeFile(broken, '');
    stack.api.addFault({ on: 'storage', file: 'price_log_inc', times: 3, do: 'trickle', bytesPerSecond: 6 });
    const dates = eachDay('2024-02-01', '2024-02-08');
    for (const date of dates) stack.deliveries.set(date, [{ uniq_id: date }]);
    const results = await Promise.all(dates.map((date) => stack.runDay(date)));
    assert.ok(results.every(({ outcome }) => outcome === 'loaded'));
    assert.equal((await landedIn(healthy)).length, dates.length * FEEDS.length);
    assert.equal(callsOf(stack, 'storage').length, dates.length * FEEDS.length);
    assert.equal(await landedFiles(stack), 0, 'no landed row is left');
  });

  test('a landing directory that cannot be used holds the day of the only worker', async (t) => {
    const stack = await stackFor(t);
    stack.deliveries.set('2024-02-24', [{ uniq_id: 'a' }]);
    await rm(stack.landingDir, { recursive: true });
    await writeFile(stack.landingDir, '');
    const held = await stack.startDay('2024-02-24');
    await until('a step is tried again', async () => {
      const { raw } = await held.describe();
      return /landing directory cannot be used/.test(raw.pendingActivities?.[0]?.lastFailure?.message ?? '');
    });
    await rm(stack.landingDir);
    assert.equal((await held.result()).outcome, 'loaded');
  });
});
