import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { asAdmin, createTestDatabase } from '../support/database.ts';
import { ordersCsv, type Order } from '../support/deliveries.ts';
import { startWorkerProcess } from '../support/processes.ts';
import { TestStack } from '../support/stack.ts';
import { Proxy } from './proxy.ts';

/** Nothing leaks: sockets, pool clients, temporary files, worker threads. */

const execFileAsync = promisify(execFile);

const dayOf = (index: number) => `2024-03-${String(index + 1).padStart(2, '0')}`;

function ordersOf(count: number): Order[] {
  return Array.from({ length: count }, (_, index) => ({ uniq_id: `order ${index}`, customer_id: index % 50 }));
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

async function unfinishedFiles(directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.tmp'));
}

test('many days on a worker, with faults, leave nothing open', async () => {
  const days = 12;
  const cycle = async (count: number) => {
    const stack = await TestStack.start();
    try {
      for (let index = 0; index < count; index += 1) stack.deliveries.set(dayOf(index), ordersOf(300));
      stack.api.addFault({ on: 'storage', times: 3, action: { kind: 'truncate', afterBytes: 40 } });
      stack.api.addFault({ on: 'storage', times: 3, action: { kind: 'reset', afterBytes: 40 } });
      stack.api.addFault({ on: 'get_increment', times: 2, action: { kind: 'reset' } });
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
      await stack.stopWorkers();
      const [left] = await stack.rows<{ count: string }>(`select count(*) ${sessions}`);
      assert.equal(left?.count, '0', 'no session of a stopped worker');
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
