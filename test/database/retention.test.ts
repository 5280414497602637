import assert from 'node:assert/strict';
import { after, afterEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { addDays } from '../../domain/load-date.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { isoWeek, money, retention, retentionByItem, type Fact } from './model.ts';
import { empty, lines, Loader, tables } from './support.ts';

const VIEWS = ['f_customer_retention', 'f_customer_retention_by_item'];

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);
afterEach(() => empty(db.pool));

/** The weekly view without `weekly`: period and start, then counts, revenues and refunds of new | returning | refunded. */
async function weekly(): Promise<string[]> {
  const rows = await lines(db.pool, 'select * from mart.f_customer_retention order by period_id');
  return rows.map((row) => row.replace('weekly | ', ''));
}

async function byItem(): Promise<string[]> {
  const rows = await lines(
    db.pool,
    'select * from mart.f_customer_retention_by_item order by period_id, item_id',
  );
  return rows.map((row) => row.replace('weekly | ', ''));
}

let orders = 0;
function order(
  customer_id: number,
  date_time: string,
  payment_amount: number | string,
  more: Partial<Order> = {},
) {
  return { uniq_id: `order ${(orders += 1)}`, customer_id, date_time, payment_amount, ...more };
}

describe('mart.f_customer_retention', () => {
  test('has these columns, in this order', async () => {
    const measures = ['customers_count', 'customers_revenue', 'customers_refunded'].flatMap((measure) =>
      ['new', 'returning', 'refunded'].map((category) => `${category}_${measure}`),
    );
    const columns = async (view: string) =>
      await lines(
        db.pool,
        `select attname from pg_attribute where attrelid = ('mart.' || $1)::regclass and attnum > 0 order by attnum`,
        [view],
      );
    assert.deepEqual(await columns('f_customer_retention'), [
      ...['period_name', 'period_id', 'period_start'],
      ...measures,
    ]);
    assert.deepEqual(await columns('f_customer_retention_by_item'), [
      ...['period_name', 'period_id', 'period_start', 'item_id'],
      ...measures,
    ]);
  });

  test('tells new customers from returning and refunded ones', async () => {
    await loader.load('2024-02-25', [
      order(1, '2024-02-19', 10),
      order(2, '2024-02-19', 20),
      order(2, '2024-02-25T23:59:59', 30),
      order(3, '2024-02-20', 5, { status: 'refunded' }),
    ]);
    assert.deepEqual(await weekly(), ['202408 | 2024-02-19 | 1 | 1 | 1 | 10.00 | 50.00 | -5.00 | 0 | 0 | 1']);
  });

  test('a customer both new and refunded, or returning and refunded, is in both with all rows', async () => {
    await loader.load('2024-02-25', [
      order(1, '2024-02-19', 100, { uniq_id: 'a', status: 'shipped' }),
      order(1, '2024-02-20', 40, { uniq_id: 'b', status: 'refunded' }),
      order(2, '2024-02-19', 7, { status: 'shipped' }),
      order(2, '2024-02-19', 8, { uniq_id: 'c', status: 'shipped' }),
      order(2, '2024-02-19', 8, { uniq_id: 'c', status: 'refunded' }),
      order(2, '2024-02-19', 1, { uniq_id: 'd', status: 'refunded' }),
    ]);
    assert.deepEqual(await weekly(), ['202408 | 2024-02-19 | 1 | 1 | 2 | 60.00 | 6.00 | 66.00 | 1 | 2 | 3']);
  });

  test('a week with only refunds has its row, with 0 and never NULL', async () => {
    await loader.load('2024-02-25', [order(1, '2024-02-25', 9, { status: 'refunded' })]);
    const expected = '0 | 0 | 1 | 0.00 | 0.00 | -9.00 | 0 | 0 | 1';
    assert.deepEqual(await weekly(), [`202408 | 2024-02-19 | ${expected}`]);
    assert.deepEqual(await byItem(), [`202408 | 2024-02-19 | 1 | ${expected}`]);
  });

  test('by item: the week decides the category, the rows of the item are counted', async () => {
    await loader.load('2024-02-25', [
      order(1, '2024-02-19', 10, { item_id: 1 }),
      order(1, '2024-02-20', 20, { item_id: 2 }),
      order(2, '2024-02-20', 30, { item_id: 2 }),
      order(2, '2024-02-20', 5, { item_id: 3, status: 'refunded' }),
    ]);
    assert.deepEqual(await byItem(), [
      '202408 | 2024-02-19 | 1 | 0 | 1 | 0 | 0.00 | 10.00 | 0.00 | 0 | 0 | 0',
      '202408 | 2024-02-19 | 2 | 1 | 1 | 1 | 30.00 | 20.00 | 30.00 | 0 | 0 | 0',
      '202408 | 2024-02-19 | 3 | 1 | 0 | 1 | -5.00 | 0.00 | -5.00 | 1 | 0 | 1',
    ]);
  });

  test('the sums are exact where a float is not', async () => {
    await loader.load('2024-02-25', [
      ...Array.from({ length: 10 }, () => order(1, '2024-02-19', '0.10')),
      ...Array.from({ length: 9 }, () => order(2, '2024-02-19', '9999999999999999.99')),
    ]);
    assert.deepEqual(await weekly(), [
      '202408 | 2024-02-19 | 0 | 2 | 0 | 0.00 | 90000000000000000.91 | 0.00 | 0 | 0 | 0',
    ]);
  });
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

test('both views are what a naive reading of the contract gives, on any facts', async () => {
  const given = fc.array(fact, { maxLength: 60, size: 'max' });
  const runs = Number(process.env['PROPERTY_RUNS'] ?? 150);
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
      [
        facts.map((one) => one.uniqId),
        facts.map((one) => one.status),
        facts.map((one) => one.date),
        facts.map((one) => one.itemId),
        facts.map((one) => one.customerId),
        facts.map((one) => money(one.cents)),
      ],
    );
    await db.database.query('mart/d_calendar', [
      [...new Set(facts.map((one) => Number(one.date.replaceAll('-', ''))))],
      [],
    ]);
    const found = await tables(db.pool, VIEWS);
    assert.deepEqual(found['f_customer_retention']?.toSorted(), retention(facts).toSorted());
    assert.deepEqual(found['f_customer_retention_by_item']?.toSorted(), retentionByItem(facts).toSorted());
  });
  await fc.assert(property, { numRuns: runs });
});

test('the weeks of every day of 40 years are those of ISO 8601', async () => {
  const days = Array.from({ length: 14_610 }, (_, index) => addDays('2000-01-01', index));
  await db.database.query('mart/d_calendar', [days.map((day) => Number(day.replaceAll('-', ''))), []]);
  assert.deepEqual(
    await lines(db.pool, 'select date_actual, period_id, week_start from mart.d_calendar order by 1'),
    days.map((day) => {
      const { year, week, monday } = isoWeek(day);
      return `${day} | ${year * 100 + week} | ${monday}`;
    }),
  );
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
