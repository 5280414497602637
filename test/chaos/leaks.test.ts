import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { eachDay } from '../../domain/load-date.ts';
import { stackFor, startWorkerProcess, until } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';
import { ordersOf } from './range.ts';

/** Nothing leaks: sockets, pool clients, temporary files, worker threads. */

const execFileAsync = promisify(execFile);

const DAY = '2024-03-01';

/** What keeps the process alive, and the sockets that are open, by kind and number. */
async function openThings(): Promise<Record<string, number>> {
  const things = process.getActiveResourcesInfo();
  if (process.platform === 'linux') {
    const files = await readdir('/proc/self/fd');
    const targets = await Promise.all(
      files.map((file) => readlink(path.join('/proc/self/fd', file)).catch(() => '')),
    );
    things.push(...targets.filter((target) => target.startsWith('socket:')).map(() => 'open socket'));
  }
  const count: Record<string, number> = {};
  for (const thing of things) count[thing] = (count[thing] ?? 0) + 1;
  return count;
}

/** Temporary files that do not go away; files that are being written have some. */
async function unfinishedFiles(directory: string): Promise<string[]> {
  return await none(async () =>
    (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.tmp')),
  );
}

/** What is still there after some seconds, in which what is just ending has ended. */
async function none<T>(find: () => Promise<T[]>): Promise<T[]> {
  for (let attempt = 0; ; attempt += 1) {
    const found = await find();
    if (found.length === 0 || attempt === 100) return found;
    await sleep(50);
  }
}

test('many days on a worker, with faults, leave nothing open', async () => {
  const cycle = async (days: string[]) => {
    const stack = await TestStack.start({ worker: false });
    try {
      const worker = await stack.startWorker();
      for (const day of days) stack.deliveries.set(day, ordersOf(0));
      stack.api.addFault({ on: 'storage', do: 'truncate', afterBytes: 40 });
      stack.api.addFault({ on: 'storage', do: 'reset', afterBytes: 40 });
      stack.api.addFault({ on: 'get_increment', do: 'reset' });
      const loaded = await Promise.all(days.map((day) => stack.runDay(day)));
      assert.ok(loaded.every(({ outcome }) => outcome === 'loaded'));
      assert.deepEqual(await unfinishedFiles(stack.landingDir), []);
      const sessions = `from pg_stat_activity
        where datname = current_database() and application_name like 'sales-increment%'`;
      assert.deepEqual(await stack.rows(`select query ${sessions} and state <> 'idle'`), []);
      const locks = `from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())`;
      assert.deepEqual(await stack.rows(`select objid ${locks}`), [], 'no lock stays held');
      worker.stop();
      await worker.stopped;
      // The server needs a moment to notice the end of a connection.
      assert.deepEqual(await none(() => stack.rows(`select pid, state, query ${sessions}`)), []);
    } finally {
      await stack.close();
    }
  };
  // The first time makes what the process keeps: the runtime of Temporal, pools of threads.
  await cycle([DAY]);
  const baseline = await openThings();
  await cycle(eachDay('2024-03-01', '2024-03-08'));
  // But for this look's own: its timer, its reading of directories.
  const leaked = async () =>
    Object.entries(await openThings()).filter(
      ([thing, count]) => count > (baseline[thing] ?? 0) && !/^(Timeout|FSReq)/.test(thing),
    );
  assert.deepEqual(await none(leaked), []);
});

test('a full disk: the day waits, goes on when there is room, and leaves nothing half-written', async (t) => {
  const stack = await stackFor(t, { worker: false });
  const worker = await startWorkerProcess(t, stack);
  // A disk of a few bytes needs rights that a test run may not have; the largest file of a process does as well.
  const room = (bytes: number | 'unlimited') =>
    execFileAsync('prlimit', ['--pid', String(worker.pid), `--fsize=${bytes}:unlimited`]);
  const csv = ordersOf(0, 1_000);
  const bytes = Buffer.byteLength(csv);
  stack.deliveries.set(DAY, csv);
  await room(bytes - 500);
  const handle = await stack.startDay(DAY);
  await until('the day waits for room', async () => {
    const { raw } = await handle.describe();
    return (raw.pendingActivities ?? []).some(
      ({ lastFailure }) => lastFailure?.applicationFailureInfo?.type === 'LandingUnavailable',
    );
  });
  assert.deepEqual(await unfinishedFiles(stack.landingDir), []);
  assert.deepEqual(await stack.rows('select from staging.file_load'), []);
  await room('unlimited');
  const { outcome, files } = await handle.result();
  assert.equal(outcome, 'loaded');
  assert.equal(files.user_order_log_inc?.rows_read, 1_000);
  const folder = path.join(stack.landingDir, DAY);
  const landed = (await readdir(folder)).filter((name) => name.startsWith('user_order'));
  assert.deepEqual(
    await Promise.all(landed.map(async (name) => (await stat(path.join(folder, name))).size)),
    [bytes],
  );
  assert.deepEqual(await unfinishedFiles(stack.landingDir), []);
});
