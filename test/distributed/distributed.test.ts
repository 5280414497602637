import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Database } from '../../database/database.ts';
import { distribute } from '../../database/distribute.ts';
import { forgetCustomers } from '../../database/forget.ts';
import { migrate } from '../../database/migrate.ts';
import { sql } from '../../database/sql.ts';
import { COLUMNS_BEHIND_CUSTOMER, DAY_STATE_PARAMETERS } from '../../domain/feeds.ts';
import { Loader, lines } from '../database/support.ts';
import { createTestDatabase, poolTo, variable, type TestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';

/**
 * The same deliveries into one PostgreSQL and into a Citus cluster: `CITUS_URL=postgresql://… npm run test:distributed`,
 * with the URL of a coordinator and of a database that has the extension and nothing else.
 */
let single: TestDatabase;
let cluster: Database;
let loaders: Loader[] = [];

before(async () => {
  single = await createTestDatabase();
  const pool = poolTo(variable('CITUS_URL'));
  cluster = new Database(pool);
  assert.deepEqual(
    await lines(pool, `select nspname from pg_namespace where nspname in ('staging', 'mart')`),
    [],
    'CITUS_URL has to name a database without the schemas staging and mart',
  );
  for (let time = 1; time <= 2; time += 1) {
    await migrate(pool);
    await distribute(cluster);
  }
  loaders = [new Loader(single.database), new Loader(cluster)];
});

after(async () => {
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

/** What the report page and `status` ask, with their parameters. */
const QUESTIONS: [string, unknown[]][] = [
  [sql('report/range'), [null, null, '2024-03-31', 7_305]],
  ...['city', 'item'].map((kind): [string, unknown[]] => [
    sql('report/lines'),
    ['2024-01-01', '2024-03-31', 20, 120, kind],
  ]),
  ...['days', 'totals', 'weeks', 'rejected'].map((name): [string, unknown[]] => {
    const values = ['2024-01-01', '2024-03-31', 20];
    const text = sql(`report/${name}`);
    return [text, values.slice(0, text.includes('$3') ? 3 : 2)];
  }),
  [
    `select date, state, missing_files, revenue, rows_read, rows_kept, rows_duplicate, rows_rejected, warnings
     from (${sql('status/days').replace(/;\s*$/, '')}) as day`,
    ['2024-01-01', '2024-03-31', ...DAY_STATE_PARAMETERS],
  ],
];

async function assertEqual(): Promise<void> {
  const pools = [single.pool, cluster.pool];
  const [expected, found] = await Promise.all(pools.map((pool) => dump(pool)));
  assert.equal(found, expected);
  for (const [question, values] of QUESTIONS) {
    const [told, answered] = await Promise.all(pools.map((pool) => lines(pool, question, values)));
    assert.deepEqual(answered, told, question);
  }
}

test('a distributed mart holds what one PostgreSQL holds', async (t) => {
  for (const [name, loadDate, rows, isHistory = false] of LOADS) {
    await t.test(name, async () => {
      for (const loader of loaders)
        await loader.load(loadDate, rows, { source: isHistory ? 'history' : 'increment' });
      await assertEqual();
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

test('the other files and rejected rows are the same', async () => {
  for (const loader of loaders) {
    await loader.load('2024-03-03', [{ uniq_id: 'good' }, { uniq_id: 'bad', quantity: 'two' }]);
    await loader.stage('2024-03-03', 'Bread,12\nMilk,x\n', { feed: 'price_log' });
  }
  await assertEqual();
});

test('facts that are changed by hand are seen by retention at once', async () => {
  const byHand = `update mart.f_sales set status = 'refunded by hand', payment_amount = -1 where customer_id = 7`;
  for (const { database } of loaders) await database.pool.query(byHand);
  await assertEqual();
});

test('a forgotten customer has a name nowhere, nor in the statistics of a node, and none comes back', async () => {
  const names = { customer_id: 8, first_name: 'Аделаида', last_name: 'Невозможная' };
  const delivered = orders(2_000, 2_100, () => names);
  for (const loader of loaders) {
    await loader.load('2024-03-05', delivered);
    await loader.database.pool.query('analyze staging.user_order_log; analyze mart.d_customer');
  }
  const known = `select sum(result::integer) > 0 from run_command_on_all_nodes(
    $$select count(*) from pg_stats where most_common_vals::text like '%Аделаида%'$$)`;
  assert.deepEqual(await lines(cluster.pool, known), ['true']);
  for (const { database } of loaders)
    await forgetCustomers(database, ['8'], COLUMNS_BEHIND_CUSTOMER, () => undefined);
  await assertEqual();
  for (const loader of loaders) await loader.load('2024-03-05', delivered);
  await assertEqual();
  assert.deepEqual(await lines(cluster.pool, known), ['false']);
  assert.deepEqual(
    await lines(
      cluster.pool,
      `select count(*) from staging.user_order_log where customer_id = 8 and first_name is not null
       union all select count(*) from mart.d_customer where customer_id = 8 and first_name is not null`,
    ),
    ['0', '0'],
  );
});
