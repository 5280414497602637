import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Database } from '../../database/database.ts';
import { distribute } from '../../database/distribute.ts';
import { migrate } from '../../database/migrate.ts';
import { createPool } from '../../database/pool.ts';
import { sql } from '../../database/sql.ts';
import { Loader, lines, tables, textOf } from '../database/support.ts';
import { createTestDatabase, variable, type TestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';

/**
 * The same deliveries into one PostgreSQL and into a Citus cluster: `CITUS_URL=postgresql://… npm run test:distributed`,
 * with the URL of a coordinator and of a database that has the extension and nothing else.
 */
let single: TestDatabase;
let cluster: Database;
let loaders: Loader[] = [];

before(async () => {
  single = await createTestDatabase();
  const pool = createPool({
    connectionString: variable('CITUS_URL'),
    applicationName: 'test',
    maxConnections: 10,
    onIdleError: () => undefined,
  });
  cluster = new Database(pool);
  assert.deepEqual(
    await lines(pool, `select nspname from pg_namespace where nspname in ('staging', 'mart')`),
    [],
    'CITUS_URL has to name a database without the schemas staging and mart',
  );
  await migrate(pool);
  // Repeated, as by every migrate.
  for (let time = 1; time <= 2; time += 1) await distribute(cluster);
  loaders = await Promise.all([Loader.create(single.database), Loader.create(cluster)]);
});

after(async () => {
  await Promise.all(loaders.map((loader) => loader.close()));
  await cluster.pool.query('drop schema mart cascade; drop schema staging cascade');
  await cluster.pool.end();
  await single.drop();
});

function orders(from: number, to: number, change: (index: number) => Partial<Order> = () => ({})): Order[] {
  return Array.from({ length: to - from }, (_, nth) => {
    const index = from + nth;
    const day = String(1 + (index % 28)).padStart(2, '0');
    return {
      id: index,
      uniq_id: `order ${index}`,
      date_time: `2024-03-${day}T00:00:00`,
      customer_id: index % 97,
      city_id: index % 11,
      item_id: index % 13,
      quantity: 1 + (index % 5),
      payment_amount: `${index}.25`,
      status: index % 9 === 0 ? 'refunded' : 'shipped',
      ...change(index),
    };
  });
}

const changed = (index: number) => (index % 3 === 0 ? { payment_amount: '7.50', customer_id: 5 } : {});

/** Name, load date, orders, whether they are history. */
const LOADS: [string, string, Order[], boolean?][] = [
  ['history', '2024-02-01', orders(0, 400), true],
  ['a day', '2024-03-01', orders(300, 900)],
  ['a day that shares orders with it', '2024-03-02', orders(700, 1_300, changed)],
  ['the same again', '2024-03-02', orders(700, 1_300, changed)],
  ['a redelivery with changes', '2024-03-01', orders(300, 900, changed)],
  ['a retraction: orders go back to older deliveries', '2024-03-02', orders(1_200, 1_300)],
  ['an earlier day, loaded late', '2024-02-20', orders(850, 1_000)],
  ['history again, with fewer orders', '2024-02-01', orders(0, 200, changed), true],
  ['nothing left of a day', '2024-03-01', []],
];

/** What the report page asks, with its parameters. */
const QUESTIONS: [string, unknown[]][] = [
  ['report/range', []],
  ...['cities', 'days', 'items', 'totals', 'weeks', 'week_customers', 'rejected'].map(
    (name): [string, unknown[]] => {
      const values = ['2024-01-01', '2024-03-31', 20];
      return [`report/${name}`, values.slice(0, sql(`report/${name}`).includes('$3') ? 3 : 2)];
    },
  ),
];

test('a distributed mart holds what one PostgreSQL holds', async (t) => {
  for (const [name, loadDate, rows, isHistory = false] of LOADS) {
    await t.test(name, async () => {
      for (const loader of loaders)
        await loader.load(loadDate, rows, { source: isHistory ? 'history' : 'increment' });
      const [expected = '', found] = await Promise.all(
        [single.pool, cluster.pool].map(async (pool) => textOf(await tables(pool))),
      );
      // The numbers of downloads are each database's own.
      assert.equal(found?.replace(FILE_LOADS, ''), expected.replace(FILE_LOADS, ''));
      for (const [question, values] of QUESTIONS) {
        const [told, answered] = await Promise.all(
          [single.pool, cluster.pool].map((pool) => lines(pool, sql(question), values)),
        );
        assert.deepEqual(answered, told, question);
      }
    });
  }
  assert.deepEqual(
    await lines(
      cluster.pool,
      `select count(*) > 0 from pg_dist_shard where logicalrelid = 'mart.f_sales'::regclass`,
    ),
    ['true'],
  );
});

const FILE_LOADS = /^== file_load\n(?:(?!== ).*\n?)*/m;
