import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Database } from '../../database/database.ts';
import { migrate } from '../../database/migrate.ts';
import { Proxy } from '../chaos/proxy.ts';
import { asAdmin, createTestDatabase, poolTo, type TestDatabase } from '../support/database.ts';
import { withoutPgbouncer } from '../support/left-out.ts';
import { startPgbouncer, type Pgbouncer } from '../support/pgbouncer.ts';
import { lines, Loader } from './support.ts';

/** Three looks of the watch, and a little. */
const LONG_MS = 17_000;

const open = (url: string, maxConnections = 10) => new Database(poolTo(url, { maxConnections }));

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe('behind pgbouncer', { skip: withoutPgbouncer, concurrency: 2 }, () => {
  for (const mode of ['session', 'transaction'] as const)
    describe(`in ${mode} mode`, { concurrency: 1 }, () => {
      let db: TestDatabase;
      let proxy: Proxy;
      let pooler: Pgbouncer;
      let database: Database;

      before(async () => {
        db = await createTestDatabase();
        const { pathname } = new URL(db.url);
        proxy = await Proxy.start(db.url);
        pooler = await startPgbouncer(proxy.through(db.url), mode);
        database = open(pooler.url);
        // Neither state nor query are to be seen then.
        await asAdmin(`alter database ${pathname.slice(1)} set track_activities = off`);
        // Settings of others, which must not count here, and of the product, which must not count for others.
        await asAdmin(`alter database ${pathname.slice(1)} set statement_timeout = '40s'`);
      });

      after(async () => {
        await database.pool.end();
        await pooler.stop();
        await proxy.close();
        await db.drop();
      });

      test('steps that take long end on the first try: one that works, one that waits for a lock, COPY on both sides', async () => {
        const analyst = await db.pool.connect();
        await analyst.query('begin; lock table mart.d_city');
        const commit = sleep(LONG_MS).then(() => analyst.query('commit'));
        const front = await Proxy.start(pooler.url);
        const through = open(front.through(pooler.url));
        let connections = 0;
        const counting = setInterval(() => (connections = Math.max(connections, front.connections)), 200);
        async function* slowly() {
          yield '1\tA\n';
          await sleep(LONG_MS);
          yield '2\tB\n';
        }
        // More than the buffers on the way hold.
        const rows = Array.from({ length: 200 }, (_, index) => `${index + 10}\t${'Город'.repeat(5_000)}\n`);
        await Promise.all([
          through.transaction((session) => session.query(`select pg_sleep(${LONG_MS / 1_000})`)),
          through.transaction((session) => session.query(`insert into mart.d_city values (1, 'A')`)),
          through.transaction((session) =>
            session.copyFrom('copy mart.d_item from stdin', Readable.from(slowly())),
          ),
          through.transaction((session) =>
            session.copyFrom('copy mart.d_city from stdin', Readable.from(rows)),
          ),
        ]);
        await commit;
        analyst.release();
        clearInterval(counting);
        assert.equal(connections, 4 + 1, 'the watch has looked, by one connection for all');
        await through.pool.end();
        await front.close();
        assert.deepEqual(await lines(db.pool, 'select count(*) from mart.d_city'), ['201']);
        assert.deepEqual(await lines(db.pool, 'select count(*) from mart.d_item'), ['2']);
      });

      test('a connection that goes silent is noticed, before the pooler or behind it, and gives its locks back', async () => {
        const before = await Proxy.start(pooler.url);
        const throughBefore = open(before.through(pooler.url));
        const cases = [
          { name: 'before', proxy: before, database: throughBefore },
          { name: 'behind', proxy, database },
        ];
        try {
          const noticed = cases.flatMap(({ name, proxy: by, database: through }) =>
            (['freeze before', 'freeze after'] as const).map(async (fault, index) => {
              const text = `select ${index} as ${name}`;
              const hit = by.aim({ text, fault });
              await assert.rejects(
                through.transaction(async (session) => {
                  await session.lock(`${name} ${index}`);
                  await session.query(text);
                }),
                { type: 'DatabaseUnavailable' },
              );
              await hit;
              await db.database.transaction((session) => session.lock(`${name} ${index}`));
            }),
          );
          await Promise.all(noticed);
        } finally {
          await throughBefore.pool.end();
          await before.close();
        }
      });

      test('its settings hold for its own transactions and for nobody else', async () => {
        const names = [
          'search_path',
          'statement_timeout',
          'lock_timeout',
          'work_mem',
          'TimeZone',
          'DateStyle',
        ];
        const shown = `select concat_ws('; ', ${names.map((name) => `current_setting('${name}')`).join()}) as shown`;
        // Eight at once, so that every connection of the pooler is among them.
        const eightTimes = (work: () => Promise<string | undefined>) =>
          Promise.all(Array.from({ length: 8 }, work));
        const untouched = await lines(db.pool, shown);
        const loader = new Loader(database);
        await Promise.all(
          ['2024-03-01', '2024-03-02', '2024-03-03'].map((day) => loader.load(day, [{ uniq_id: day }])),
        );
        const others = await eightTimes(() =>
          withClient(pooler.url, async (client) => {
            await client.query('begin');
            const { rows } = await client.query<{ shown: string }>(shown);
            await client.query('select pg_sleep(0.2); commit');
            return rows[0]?.shown;
          }),
        );
        assert.deepEqual(others, Array(8).fill(untouched[0]));
        const own = await eightTimes(() =>
          database.transaction(async (session) => {
            const { rows } = await session.query<{ shown: string }>(shown);
            return rows[0]?.shown;
          }),
        );
        assert.deepEqual(own, Array(8).fill('pg_catalog; 0; 0; 32MB; UTC; ISO, YMD'));
      });

      test('a server connection on which another program has used a temporary table serves as well', async () => {
        const single = await startPgbouncer(db.url, mode, 1);
        const through = open(single.url, 1);
        try {
          await withClient(single.url, async (client) => {
            await client.query('create temporary table y as select g from generate_series(1, 1000) as g');
            await client.query('select count(*) from y');
            await client.query('drop table y');
          });
          await migrate(through.pool);
          const loader = new Loader(through);
          await loader.load('2024-03-04', [{ uniq_id: 'd' }]);
        } finally {
          await through.pool.end();
          await single.stop();
        }
      });
    });
});
