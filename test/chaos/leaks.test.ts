import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ordersCsv, type Order } from '../support/deliveries.ts';
import { startWorkerProcess } from '../support/processes.ts';
import { until } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';
import { Proxy } from './proxy.ts';

/** Nothing leaks: sockets, pool clients, temporary files, worker threads. */

const execFileAsync = promisify(execFile);

const dayOf = (index: number) => `2024-03-${String(index + 1).padStart(2, '0')}`;

function ordersOf(count: number): Order[] {
  return Array.from({ length: count }, (_, index) => ({
    uniq_id: `order ${index}`,
    customer_id: index % 50,
  }));
}

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

/** What there is more of than there was, once what is just ending has ended. */
async function leakedSince(baseline: Record<string, number>): Promise<Record<string, number>> {
  for (let attempt = 0; ; attempt += 1) {
    const now = await openThings();
    // This look's own: its timer, its reading of directories.
    const leaked = Object.entries(now).filter(
      ([thing, count]) => count > (baseline[thing] ?? 0) && !/^(Timeout|FSReq)/.test(thing),
    );
    if (leaked.length === 0 || attempt === 50) return Object.fromEntries(leaked);
    await sleep(100);
  }
}

/** Temporary files that do not go away; files that are being written have some. */
async function unfinishedFiles(directory: string): Promise<string[]> {
  for (let attempt = 0; ; attempt += 1) {
    const names = await readdir(directory, { recursive: true });
    const unfinished = names.filter((name) => name.endsWith('.tmp'));
    if (unfinished.length === 0 || attempt === 100) return unfinished;
    await sleep(50);
  }
}

test('many days on a worker, with faults, leave nothing open', async () => {
  const days = 12;
  const cycle = async (count: number) => {
    const stack = await TestStack.start({ worker: false });
    try {
      const worker = await stack.startWorker();
      for (let index = 0; index < count; index += 1) stack.deliveries.set(dayOf(index), ordersOf(300));
      stack.api.addFault({ on: 'storage', do: 'truncate', afterBytes: 40 });
      stack.api.addFault({ on: 'storage', do: 'reset', afterBytes: 40 });
      stack.api.addFault({ on: 'get_increment', do: 'reset' });
      const loaded = await Promise.all(
        Array.from({ length: count }, (_, index) => stack.runDay(dayOf(index))),
      );
      assert.ok(loaded.every(({ outcome }) => outcome === 'loaded'));
      assert.deepEqual(await unfinishedFiles(stack.landingDir), []);
      const sessions = `from pg_stat_activity
        where datname = current_database() and application_name like 'sales-increment%'`;
      const [busy] = await stack.rows<{ count: string }>(`select count(*) ${sessions} and state <> 'idle'`);
      assert.equal(busy?.count, '0', 'no transaction stays open');
      const [locks] = await stack.rows<{ count: string }>(
        `select count(*) from pg_locks where locktype = 'advisory'
           and database = (select oid from pg_database where datname = current_database())`,
      );
      assert.equal(locks?.count, '0', 'no lock stays held');
      worker.stop();
      await worker.stopped;
      // The server needs a moment to notice the end of a connection.
      let left: unknown[] = [];
      for (let attempt = 0; attempt < 50; attempt += 1) {
        left = await stack.rows(`select pid, state, query ${sessions}`);
        if (left.length === 0) break;
        await sleep(100);
      }
      assert.deepEqual(left, [], 'no session of a stopped worker');
    } finally {
      await stack.close();
    }
  };
  // The first time makes what the process keeps: the runtime of Temporal, pools of threads.
  await cycle(1);
  const baseline = await openThings();
  await cycle(days);
  assert.deepEqual(await leakedSince(baseline), {});
});

test('a worker whose database connections have gone silent ends when it is asked to', async () => {
  const stack = await TestStack.start({ worker: false });
  const { hostname: host, port } = new URL(stack.db.url);
  const proxy = await Proxy.start({ host, port: Number(port) });
  try {
    const worker = await startWorkerProcess({
      ...stack.environment,
      DATABASE_URL: proxy.through(stack.db.url),
    });
    stack.deliveries.set(dayOf(0), ordersOf(10));
    await stack.runDay(dayOf(0));
    assert.ok(proxy.connections > 0);
    proxy.freeze();
    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0);
  } finally {
    await proxy.close();
    await stack.close();
  }
});

test('a full disk: the day waits, goes on when there is room, and leaves nothing half-written', async () => {
  const landingDir = await mkdtemp(path.join(tmpdir(), 'chaos-full-disk-'));
  const stack = await TestStack.start({ worker: false });
  const worker = await startWorkerProcess({ ...stack.environment, LANDING_DIR: landingDir });
  // A disk of a few bytes needs rights that a test run may not have; the largest file of a process does as well.
  const room = (bytes: number | 'unlimited') =>
    execFileAsync('prlimit', ['--pid', String(worker.pid), `--fsize=${bytes}:unlimited`]);
  try {
    const csv = ordersCsv(ordersOf(1_000));
    const bytes = Buffer.byteLength(csv);
    const cases = [
      { date: dayOf(0), room: 20_000 },
      { date: dayOf(1), room: bytes - 500 },
    ];
    for (const { date, room: left } of cases) {
      stack.deliveries.set(date, csv);
      await room(left);
      const handle = await stack.startDay(date);
      const waiting = async () => {
        const { raw } = await handle.describe();
        return raw.pendingActivities?.find(
          (activity) =>
            activity.activityType?.name === 'landFile' &&
            activity.lastFailure?.applicationFailureInfo?.type === 'LandingUnavailable',
        );
      };
      await until(`${date} waits for room`, async () => (await waiting()) !== undefined);
      assert.deepEqual(await unfinishedFiles(landingDir), []);
      assert.deepEqual(
        await stack.rows('select file from staging.file_load where load_date = $1', [date]),
        [],
      );
      await room('unlimited');
      const { outcome, files } = await handle.result();
      assert.equal(outcome, 'loaded');
      assert.equal(files.user_order_log_inc?.rows_kept, 1_000);
      const landed = (await readdir(path.join(landingDir, date))).filter((name) =>
        name.startsWith('user_order'),
      );
      assert.deepEqual(
        await Promise.all(landed.map(async (name) => (await stat(path.join(landingDir, date, name))).size)),
        [bytes],
      );
      assert.deepEqual(await unfinishedFiles(landingDir), []);
    }
    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0);
  } finally {
    worker.kill('SIGKILL');
    await worker.ended;
    await stack.close();
    await rm(landingDir, { recursive: true, force: true });
  }
});
