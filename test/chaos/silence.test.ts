import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '../../database/database.ts';
import { createPool } from '../../database/pool.ts';
import { startPostgres } from '../../dev/services/postgres.ts';
import { until } from '../client/harness.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { TestStack } from '../support/stack.ts';
import { Proxy } from './proxy.ts';

/** Connections on which nothing is heard, from a server that is busy, gone or out of reach. */

function open(url: string, maxConnections = 4): Database {
  return new Database(
    createPool({
      connectionString: url,
      applicationName: 'test',
      maxConnections,
      onIdleError: () => undefined,
    }),
  );
}

async function proxyOf(url: string): Promise<Proxy> {
  const { hostname: host, port } = new URL(url);
  return await Proxy.start({ host, port: Number(port) });
}

describe('a silent connection', { concurrency: true }, () => {
  let db: TestDatabase;

  before(async () => {
    db = await createTestDatabase();
  });

  after(async () => {
    await db.drop();
  });

  test('where new connections take 6 s, a long step ends on the first try, and a frozen one is noticed', async () => {
    const proxy = await proxyOf(db.url);
    const database = open(proxy.through(db.url));
    try {
      proxy.delayMs = 6_000;
      const hit = proxy.aim({ text: 'select 1 as frozen', fault: 'freeze after' });
      const frozen = database.transaction((session) => session.query('select 1 as frozen'));
      await Promise.all([
        assert.rejects(frozen, { type: 'DatabaseUnavailable' }),
        hit,
        database.transaction((session) => session.query('select pg_sleep(25)')),
      ]);
    } finally {
      await database.pool.end();
      await proxy.close();
    }
  });

  test('while the server is out of reach, nothing is given up that it works on', async () => {
    const proxy = await proxyOf(db.url);
    const database = open(proxy.through(db.url));
    try {
      const step = database.transaction((session) => session.query('select pg_sleep(20)'));
      await sleep(500);
      proxy.accepting = false;
      await step;
    } finally {
      await database.pool.end();
      await proxy.close();
    }
  });

  test('a connection to a server that has been restarted since is lost', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'silence-'));
    const options = {
      dataDir: path.join(directory, 'data'),
      logFile: path.join(directory, 'log'),
      fsync: false,
    };
    let postgres = await startPostgres(options);
    const url = await postgres.createApplicationDatabase('sales');
    const proxy = await proxyOf(url);
    const database = open(proxy.through(url));
    try {
      const hit = proxy.aim({ text: 'pg_sleep(100)', fault: 'freeze before' });
      const lost = assert.rejects(
        database.transaction((session) => session.query('select pg_sleep(100)')),
        { type: 'DatabaseUnavailable', message: /gone silent/ },
      );
      await hit;
      await postgres.kill9();
      postgres = await startPostgres({ ...options, port: Number(new URL(url).port) });
      await lost;
    } finally {
      await database.pool.end();
      await proxy.close();
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('/readyz', () => {
  let stack: TestStack;
  let proxy: Proxy;

  before(async () => {
    stack = await TestStack.start({ worker: false });
    proxy = await proxyOf(stack.db.url);
  });

  after(async () => {
    await proxy.close();
    await stack.close();
  });

  test('answers while the network is gone; worker and work are back when the network is', async () => {
    const worker = await stack.startWorker({
      DATABASE_URL: proxy.through(stack.db.url),
      DATABASE_POOL_SIZE: '4',
    });
    for (const day of ['2024-03-01', '2024-03-02', '2024-03-03'])
      stack.deliveries.set(day, [{ uniq_id: day }]);
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
    worker.stop();
    await worker.stopped;
  });

  test('takes no connection of the work, and is asked once for any number of probes', async () => {
    const worker = await stack.startWorker({ DATABASE_POOL_SIZE: '2' });
    const probes = `select pid::text from pg_stat_activity
      where application_name = 'sales-increment probe' and datname = current_database()`;
    const known = (await stack.rows(probes)).length;
    const answers = await Promise.all(Array.from({ length: 50 }, () => worker.isReady()));
    assert.ok(answers.every((ready) => ready));
    assert.equal((await stack.rows(probes)).length, known + 1);
    // Whoever holds the work up does not make the worker unready.
    const analyst = await stack.db.pool.connect();
    await analyst.query('begin; lock table staging.file_load');
    const day = stack.runDay('2024-03-03');
    await sleep(2_000);
    assert.equal(await worker.isReady(), true);
    await analyst.query('commit');
    analyst.release();
    assert.equal((await day).outcome, 'loaded');
  });
});
