import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import fc from 'fast-check';
import { createTestDatabase } from '../support/database.ts';
import { money, retention, retentionByItem, type Fact } from './model.ts';
import { empty, lines, Loader, tables, VIEWS } from './support.ts';

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);
afterEach(() => empty(db.pool));

/** Each view's rows without `weekly`: period and start, then counts, revenues and refunds of new | returning | refunded. */
async function views(): Promise<string[][]> {
  const rows = await Promise.all(
    VIEWS.map((view) => lines(db.pool, `select * from mart.${view} as v order by v`)),
  );
  return rows.map((ofView) => ofView.map((row) => row.replace('weekly | ', '')));
}

/** The contract's definition in examples: orders (customer, date, amount, status, item), the row of their week, its items. */
const EXAMPLES: Record<string, [orders: string, week: string, items?: string[]]> = {
  'new customers are told from returning and refunded ones': [
    '1 2024-02-19 10; 2 2024-02-19 20; 2 2024-02-25T23:59:59 30; 3 2024-02-20 5 refunded',
    '1 | 1 | 1 | 10.00 | 50.00 | -5.00 | 0 | 0 | 1',
  ],
  'a customer both new and refunded, or returning and refunded, is in both with all rows': [
    `1 2024-02-19 100; 1 2024-02-20 40 refunded;
     2 2024-02-19 7; 2 2024-02-19 8; 2 2024-02-19 8 refunded; 2 2024-02-19 1 refunded`,
    '1 | 1 | 2 | 60.00 | 6.00 | 66.00 | 1 | 2 | 3',
  ],
  'a week with only refunds has its row, with 0 and never NULL': [
    '1 2024-02-25 9 refunded',
    '0 | 0 | 1 | 0.00 | 0.00 | -9.00 | 0 | 0 | 1',
  ],
  'by item: the week decides the category, the rows of the item are counted': [
    `1 2024-02-19 10 shipped 1; 1 2024-02-20 20 shipped 2;
     2 2024-02-20 30 shipped 2; 2 2024-02-20 5 refunded 3`,
    '1 | 1 | 1 | 25.00 | 30.00 | 25.00 | 1 | 0 | 1',
    [
      '1 | 0 | 1 | 0 | 0.00 | 10.00 | 0.00 | 0 | 0 | 0',
      '2 | 1 | 1 | 1 | 30.00 | 20.00 | 30.00 | 0 | 0 | 0',
      '3 | 1 | 0 | 1 | -5.00 | 0.00 | -5.00 | 1 | 0 | 1',
    ],
  ],
  'the sums are exact where a float is not': [
    '1 2024-02-19 0.10; '.repeat(10) + '2 2024-02-19 9999999999999999.99; '.repeat(9),
    '0 | 2 | 0 | 0.00 | 90000000000000000.91 | 0.00 | 0 | 0 | 0',
  ],
};

for (const [name, [orders, week, items = [`1 | ${week}`]]] of Object.entries(EXAMPLES))
  test(name, async () => {
    const given = [...orders.matchAll(/(\d+) (\S+) ([\d.]+)(?: (\w+))?(?: (\d+))?/g)];
    await loader.load(
      '2024-02-25',
      given.map(
        ([, customer_id = '', date_time = '', payment_amount = '', status = 'shipped', item_id = 1], n) => ({
          ...{ uniq_id: `${n}`, customer_id, date_time, payment_amount, status, item_id },
        }),
      ),
    );
    const expected = [[week], items].map((rows) => rows.map((row) => `202408 | 2024-02-19 | ${row}`));
    assert.deepEqual(await views(), expected);
  });

test('the views have these columns, in this order', async () => {
  const measures = ['customers_count', 'customers_revenue', 'customers_refunded'].flatMap((measure) =>
    ['new', 'returning', 'refunded'].map((category) => `${category}_${measure}`),
  );
  const period = ['period_name', 'period_id', 'period_start'];
  const columns = async (view: string) =>
    (await db.pool.query(`select * from mart.${view}`)).fields.map(({ name }) => name);
  assert.deepEqual(await Promise.all(VIEWS.map(columns)), [
    [...period, ...measures],
    [...period, 'item_id', ...measures],
  ]);
});

const fact: fc.Arbitrary<Omit<Fact, 'uniqId'>> = fc.record({
  status: fc.constantFrom('shipped', 'shipped', 'refunded'),
  // Around new years whose weeks differ most, and a week in between.
  date: fc.constantFrom(
    ...['2020-12-27', '2020-12-28', '2021-01-03', '2021-01-04', '2023-12-31', '2024-01-01', '2024-02-25'],
    ...['2024-12-29', '2024-12-30', '2024-12-31', '2025-01-01', '2025-12-29', '2026-01-01'],
  ),
  itemId: fc.integer({ min: 1, max: 3 }),
  customerId: fc.integer({ min: 1, max: 4 }),
  cityId: fc.constant(1),
  quantity: fc.constant(1),
  cents: fc.integer({ min: 0, max: 100_000 }),
});

const COLUMNS = ['uniqId', 'status', 'date', 'itemId', 'customerId'] as const;

test('both views are what a naive reading of the contract gives, on any facts', async () => {
  const given = fc.array(fact, { maxLength: 60, size: 'max' });
  const property = fc.asyncProperty(given, async (rows) => {
    const facts: Fact[] = rows.map((row, index) => ({
      ...row,
      uniqId: String(index),
      cents: row.status === 'refunded' ? -row.cents : row.cents,
    }));

    await db.pool.query('delete from mart.f_sales');
    await db.pool.query(
      `insert into mart.f_sales
       select uniq_id, status, to_char(day, 'YYYYMMDD')::integer, item_id, customer_id, 1, 1, amount, day, false
       from unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::bigint[], $6::numeric[])
         as facts (uniq_id, status, day, item_id, customer_id, amount)`,
      [...COLUMNS.map((name) => facts.map((one) => one[name])), facts.map((one) => money(one.cents))],
    );
    await db.database.query('mart/d_calendar', [
      [...new Set(facts.map((one) => Number(one.date.replaceAll('-', ''))))],
      [],
    ]);
    const found = await tables(db.pool, VIEWS);
    assert.deepEqual(found['f_customer_retention']?.toSorted(), retention(facts).toSorted());
    assert.deepEqual(found['f_customer_retention_by_item']?.toSorted(), retentionByItem(facts).toSorted());
  });
  await fc.assert(property, { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) });
});

test('a reader who asks for some weeks reads their facts alone, by the index on dates', async () => {
  await db.pool.query(
    `insert into mart.f_sales
     select n || ' ' || day, 'shipped', to_char(day, 'YYYYMMDD')::integer, n % 5, n % 50, 1, 1, 1, day, false
     from generate_series(1, 200) as n
     cross join generate_series(timestamp '2020-01-01', timestamp '2023-12-31', interval '10 days') as day`,
  );
  const dates = await lines(db.pool, 'select distinct date_id from mart.f_sales');
  await db.database.query('mart/d_calendar', [dates.map(Number), []]);
  await db.pool.query('analyze mart.f_sales; analyze mart.d_calendar');
  for (const view of VIEWS) {
    for (const weeks of [
      'period_id = 202210',
      'period_id between 202201 and 202213',
      "period_start >= '2023-10-01'",
      "period_start between '2022-01-03' and '2022-04-03'",
    ]) {
      const plan = await lines(db.pool, `explain (costs off) select * from mart.${view} where ${weeks}`);
      assert.match(plan.join('\n'), /Index Scan (using f_sales_date )?on f_sales/, `${view}, ${weeks}`);
    }
  }
});
