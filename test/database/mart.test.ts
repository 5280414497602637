import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { verify } from '../../database/verify.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { empty, lines, Loader } from './support.ts';

/** What the random deliveries of property.test.ts do not reach. */

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);
afterEach(() => empty(db.pool));

test('f_sales has the columns of the view that facts are made of, in its order', async () => {
  const columns = async (name: string) =>
    await lines(
      db.pool,
      `select attname, format_type(atttypid, atttypmod), collname
       from pg_attribute left join pg_collation on pg_collation.oid = attcollation
       where attrelid = $1::regclass and attnum > 0 and not attisdropped
       order by attnum`,
      [name],
    );
  assert.deepEqual(await columns('mart.f_sales'), await columns('staging.order_fact'));
});

test('a refund is minus the absolute amount; amounts, quantities and dates are kept to their ends', async () => {
  const facts: [expected: string, given: Partial<Order>][] = [
    ['refunded | 20240225 | 1 | -10.05', { status: 'refunded', payment_amount: '10.05' }],
    ['refunded | 20240225 | 1 | -7.00', { status: 'refunded', payment_amount: '-7' }],
    ['refunded | 20240225 | 1 | 0.00', { status: 'refunded', payment_amount: '0' }],
    ['shipped | 20240225 | 1 | -3.50', { payment_amount: '-3.5' }],
    ['shipped | 20240225 | 1 | 9999999999999999.99', { payment_amount: '9999999999999999.99' }],
    [
      'shipped | 20240225 | 9223372036854775807 | 0.10',
      { quantity: '9223372036854775807', payment_amount: 0.1 },
    ],
    ['shipped | 20240225 | -2 | 100.00', { quantity: -2 }],
    ['shipped | 20240225 | 0 | 100.00', { quantity: 0 }],
    ['shipped | 20240229 | 1 | 100.00', { date_time: '2024-02-29T23:59:59.999999' }],
    ['shipped | 20240331 | 1 | 100.00', { date_time: '2024-03-31 02:30:00' }],
    ['shipped | 10101 | 1 | 100.00', { date_time: '0001-01-01' }],
    ['shipped | 99991231 | 1 | 100.00', { date_time: '9999-12-31' }],
  ];
  await loader.load(
    '2024-02-25',
    facts.map(([, given], index) => ({ uniq_id: String(100 + index), ...given })),
  );
  assert.deepEqual(
    await lines(
      db.pool,
      'select status, date_id, quantity, payment_amount from mart.f_sales order by uniq_id',
    ),
    facts.map(([expected]) => expected),
  );
  const weeks = await lines(
    db.pool,
    'select period_id, period_start from mart.f_customer_retention order by 1',
  );
  assert.deepEqual([weeks[0], weeks.at(-1)], ['101 | 0001-01-01', '999952 | 9999-12-27']);
  for (const range of [{}, { from: '2024-02-25' }])
    assert.deepEqual(await verify(db.database, range, () => undefined), []);
});

test('the last order of a customer is the greatest by date_time, then load_date, then id, any id before none', async () => {
  // Two orders of each customer, of which the one in city 1 is the last.
  const orders: [day: number, customer: number, microsecond: number, id: number | '', city: 1 | 2][] = [
    [25, 1, 2, 1, 1],
    [26, 1, 1, 9, 2],
    [25, 2, 1, 9, 2],
    [26, 2, 1, 1, 1],
    [25, 3, 1, 9, 2],
    [25, 3, 1, 10, 1],
    [25, 4, 1, -9, 1],
    [25, 4, 1, '', 2],
  ];
  for (const day of [26, 25]) {
    const delivered = orders.flatMap(([of, customer_id, microsecond, id, city_id], index) =>
      of === day
        ? {
            uniq_id: `${index}`,
            date_time: `2024-02-25 10:00:00.00000${microsecond}`,
            customer_id,
            id,
            city_id,
          }
        : [],
    );
    await loader.load(`2024-02-${day}`, delivered);
  }
  assert.deepEqual(await lines(db.pool, 'select city_id from mart.d_customer'), ['1', '1', '1', '1']);
});

test('of a calendar that was deleted by hand, each delivery brings back the dates of its facts and no other', async () => {
  const dates = async () => await lines(db.pool, 'select date_id from mart.d_calendar order by date_id');
  await loader.load('2024-02-25', [{ uniq_id: 'a', date_time: '2024-02-24' }, { uniq_id: 'b' }]);
  await loader.load('2024-02-26', [{ uniq_id: 'a', date_time: '2024-02-26' }]);
  await db.pool.query('delete from mart.d_calendar');
  await loader.updateMart('2024-02-25');
  // Not the 24th, whose order came again with another date.
  assert.deepEqual(await dates(), ['20240225']);
  await loader.updateMart('2024-02-26');
  assert.deepEqual(await dates(), ['20240225', '20240226']);
});
