import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../database/database.ts';
import { until } from '../client/harness.ts';
import { openDatabase } from '../support/database.ts';
import { TestStack } from '../support/stack.ts';
import { Proxy } from './proxy.ts';

/** Connections on which nothing is heard, from a server that is busy or out of reach. */

describe('a silent connection', { concurrency: true }, () => {
  let stack: TestStack;
  const stops: (() => Promise<unknown>)[] = [];

  before(async () => {
    stack = await TestStack.start({ worker: false });
    stops.push(() => stack.close());
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  async function proxied(): Promise<{ proxy: Proxy; database: Database }> {
    const proxy = await Proxy.start(stack.db.url);
    const database = openDatabase(proxy.through(stack.db.url), 4);
    stops.push(
      () => proxy.close(),
      () => database.pool.end(),
    );
    return { proxy, database };
  }

  const places = {
    begin: 'begin isolation level',
    'a statement': 'create temporary table',
    COPY: 'copy silent',
    'the middle of COPY': 'the middle',
    commit: 'commit\0',
  };
  const rows = Array.from({ length: 200 }, (_, chunk) =>
    chunk === 100 ? 'the middle\n' : `${'x'.repeat(5_000)}\n`,
  );

  for (const [place, text] of Object.entries(places))
    for (const fault of ['freeze before', 'freeze after'] as const)
      test(`${fault} ${place} is noticed, and its locks are free again`, async () => {
        const { proxy, database } = await proxied();
        const lock = `${fault} ${place}`;
        const hit = proxy.aim({ text, fault });
        const frozen = database.transaction(async (session) => {
          await session.lock(lock);
          await session.query('create temporary table silent (row text) on commit drop');
          await session.copyFrom('copy silent from stdin', Readable.from(rows));
        });
        await assert.rejects(frozen, { type: 'DatabaseUnavailable', nonRetryable: false });
        await hit;
        await stack.db.database.transaction((session) => session.lock(lock));
      });

  test('where new connections take 6 s, a long step ends on the first try, and a frozen one is noticed', async () => {
    const { proxy, database } = await proxied();
    proxy.delayMs = 6_000;
    const hit = proxy.aim({ text: 'select 1 as frozen', fault: 'freeze after' });
    const frozen = database.transaction((session) => session.query('select 1 as frozen'));
    await Promise.all([
      assert.rejects(frozen, { type: 'DatabaseUnavailable' }),
      hit,
      database.transaction((session) => session.query('select pg_sleep(25)')),
    ]);
  });

  test('while the server is out of reach, nothing is given up that it works on', async () => {
    const { proxy, database } = await proxied();
    const step = database.transaction((session) => session.query('select pg_sleep(20)'));
    await sleep(500);
    proxy.accepting = false;
    await step;
  });

  test('/readyz answers while the network is gone; worker and work are back when the network is', async () => {
    const { proxy } = await proxied();
    const worker = await stack.startWorker({
      DATABASE_URL: proxy.through(stack.db.url),
      DATABASE_POOL_SIZE: '4',
    });
    for (const day of ['2024-03-01', '2024-03-02']) stack.deliveries.set(day, [{ uniq_id: day }]);
    await stack.runDay('2024-03-01');
    assert.equal(await worker.isReady(), true);

    proxy.accepting = false;
    proxy.freeze();
    // As many probes as would have used up the pool several times over.
    for (let probe = 0; probe < 12; probe += 1) {
      assert.equal(await worker.isReady(), false);
      await sleep(1_000);
    }

    proxy.accepting = true;
    await until('it is ready again', () => worker.isReady());
    assert.equal((await stack.runDay('2024-03-02')).outcome, 'loaded');
  });
});

test('/readyz takes no connection of the work, and is asked once for any number of probes', async (t) => {
  const stack = await TestStack.start({ settings: { DATABASE_POOL_SIZE: '2' }, worker: false });
  t.after(() => stack.close());
  const worker = await stack.startWorker();
  const answers = await Promise.all(Array.from({ length: 50 }, () => worker.isReady()));
  assert.ok(answers.every((ready) => ready));
  const probes = await stack.rows(`select pid::text from pg_stat_activity
    where application_name = 'sales-increment probe' and datname = current_database()`);
  assert.equal(probes.length, 1);
  // Whoever holds the work up does not make the worker unready.
  stack.deliveries.set('2024-03-03', [{ uniq_id: 'a' }]);
  const analyst = await stack.db.pool.connect();
  await analyst.query('begin; lock table staging.file_load');
  const day = stack.runDay('2024-03-03');
  await sleep(2_000);
  assert.equal(await worker.isReady(), true);
  await analyst.query('commit');
  analyst.release();
  assert.equal((await day).outcome, 'loaded');
});
