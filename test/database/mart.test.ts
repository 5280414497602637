import assert from 'node:assert/strict';
import { after, afterEach, describe, test } from 'node:test';
import { createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { empty, lines, Loader, tables, textOf } from './support.ts';

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);
afterEach(() => empty(db.pool));

async function facts(): Promise<string[]> {
  return await lines(
    db.pool,
    'select uniq_id, status, quantity, payment_amount from mart.f_sales order by uniq_id, status',
  );
}

async function customers(): Promise<string[]> {
  return await lines(
    db.pool,
    'select customer_id, first_name, last_name, city_id from mart.d_customer order by customer_id',
  );
}

async function dates(): Promise<string[]> {
  return await lines(db.pool, 'select date_id from mart.d_calendar order by date_id');
}

/** Whose quantity tells the delivery that it came with. */
function order(uniq_id: string, quantity: number, more: Partial<Order> = {}): Order {
  return { uniq_id, quantity, ...more };
}

type Delivered = [loadDate: string, orders: Order[], source?: 'history'];

/** Deliveries in the order of their loading, and the facts after the last one. */
const NEWEST: Record<string, [loads: Delivered[], expected: string[]]> = {
  'by load_date, whatever the order of loading': [
    [
      ['2024-02-27', [order('a', 27)]],
      ['2024-02-25', [order('a', 25), order('b', 25)]],
      ['2024-02-26', [order('a', 26), order('b', 26)]],
    ],
    ['a | shipped | 27 | 100.00', 'b | shipped | 26 | 100.00'],
  ],
  'not by the dates in its rows': [
    [
      ['2024-02-25', [order('a', 25, { date_time: '2024-12-31T00:00:00' })]],
      ['2024-02-26', [order('a', 26, { date_time: '2024-01-01T00:00:00' })]],
    ],
    ['a | shipped | 26 | 100.00'],
  ],
  'each status by itself': [
    [
      ['2024-02-26', [order('a', 26, { status: 'shipped' })]],
      ['2024-02-25', [order('a', 25, { status: 'shipped' }), order('a', 25, { status: 'refunded' })]],
    ],
    ['a | refunded | 25 | -100.00', 'a | shipped | 26 | 100.00'],
  ],
  'an increment before history, whatever the dates': [
    [
      ['2024-02-25', [order('a', 25)]],
      ['2024-03-01', [order('a', 1), order('h', 1)], 'history'],
      ['2024-02-24', [order('h', 24)]],
    ],
    ['a | shipped | 25 | 100.00', 'h | shipped | 24 | 100.00'],
  ],
  'also when history is loaded again later, and on the very same date': [
    [
      ['2024-02-25', [order('a', 1)], 'history'],
      ['2024-02-25', [order('a', 25)]],
      ['2024-02-25', [order('a', 2), order('h', 2)], 'history'],
    ],
    ['a | shipped | 25 | 100.00', 'h | shipped | 2 | 100.00'],
  ],
  'of two histories the one with the later start day': [
    [
      ['2024-02-02', [order('a', 2)], 'history'],
      ['2024-01-02', [order('a', 1)], 'history'],
    ],
    ['a | shipped | 2 | 100.00'],
  ],
  'a retracted order falls back to the next newest delivery': [
    [
      ['2024-02-27', [order('a', 27)]],
      ['2024-02-25', [order('a', 25)]],
      ['2024-02-26', [order('a', 26)]],
      ['2024-02-27', []],
    ],
    ['a | shipped | 26 | 100.00'],
  ],
  'at last to history': [
    [
      ['2024-02-25', [order('a', 25)]],
      ['2024-03-01', [order('a', 1)], 'history'],
      ['2024-02-25', []],
    ],
    ['a | shipped | 1 | 100.00'],
  ],
  'then it vanishes': [
    [
      ['2024-03-01', [order('a', 1)], 'history'],
      ['2024-03-01', [], 'history'],
    ],
    [],
  ],
  'an order whose status is corrected leaves its former status': [
    [
      ['2024-02-25', [order('a', 1, { status: 'shipped' })]],
      ['2024-02-25', [order('a', 1, { status: 'refunded' })]],
    ],
    ['a | refunded | 1 | -100.00'],
  ],
};

describe('f_sales holds the newest delivery of each order', () => {
  for (const [name, [loads, expected]] of Object.entries(NEWEST))
    test(name, async () => {
      for (const [loadDate, orders, source = 'increment'] of loads)
        await loader.load(loadDate, orders, { source });
      assert.deepEqual(await facts(), expected);
    });

  test('also when a run was cut off between staging and mart, and other dates were loaded before it went on', async () => {
    await loader.load('2024-02-26', [order('a', 26), order('b', 26)]);
    await loader.stage('2024-02-26', [order('c', 26)]);
    await loader.load('2024-02-25', [order('a', 25), order('b', 25), order('c', 25)]);
    await loader.load('2024-02-27', [order('b', 27)]);
    await loader.updateMart('2024-02-26');
    assert.deepEqual(await facts(), [
      'a | shipped | 25 | 100.00',
      'b | shipped | 27 | 100.00',
      'c | shipped | 26 | 100.00',
    ]);
  });
});

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

describe('the values of a fact', () => {
  test('a refund is minus the absolute amount, and both rows of an order sum to zero', async () => {
    await loader.load('2024-02-25', [
      order('a', 1, { status: 'shipped', payment_amount: '10.05' }),
      order('a', 1, { status: 'refunded', payment_amount: '10.05' }),
      order('b', 1, { status: 'shipped', payment_amount: '7' }),
      order('b', 1, { status: 'refunded', payment_amount: '-7.00' }),
      order('c', 1, { status: 'refunded', payment_amount: '0' }),
      order('d', 1, { status: 'shipped', payment_amount: '-3.5' }),
    ]);
    assert.deepEqual(await facts(), [
      'a | refunded | 1 | -10.05',
      'a | shipped | 1 | 10.05',
      'b | refunded | 1 | -7.00',
      'b | shipped | 1 | 7.00',
      'c | refunded | 1 | 0.00',
      'd | shipped | 1 | -3.50',
    ]);
    assert.deepEqual(
      await lines(
        db.pool,
        `select uniq_id, sum(payment_amount) from mart.f_sales where uniq_id in ('a', 'b') group by 1 order by 1`,
      ),
      ['a | 0.00', 'b | 0.00'],
    );
  });

  test('quantities and amounts are kept to the last digit', async () => {
    const quantity = '9223372036854775807';
    await loader.load('2024-02-25', [
      { uniq_id: 'a', quantity, payment_amount: '9999999999999999.99' },
      { uniq_id: 'b', quantity: 0, payment_amount: '0.1' },
      { uniq_id: 'c', quantity: -2, payment_amount: '0.2' },
    ]);
    assert.deepEqual(await facts(), [
      `a | shipped | ${quantity} | 9999999999999999.99`,
      'b | shipped | 0 | 0.10',
      'c | shipped | -2 | 0.20',
    ]);
  });

  test('date_id is the day of date_time, to its last microsecond, in no time zone', async () => {
    await loader.load('2024-03-15', [
      order('a', 1, { date_time: '2024-02-29T23:59:59.999999' }),
      order('b', 1, { date_time: '2024-03-01 00:00:00' }),
      order('c', 1, { date_time: '2024-03-31 02:30:00' }),
      order('d', 1, { date_time: '2024-03-01' }),
    ]);
    assert.deepEqual(await lines(db.pool, 'select uniq_id, date_id from mart.f_sales order by uniq_id'), [
      'a | 20240229',
      'b | 20240301',
      'c | 20240331',
      'd | 20240301',
    ]);
  });
});

describe('d_calendar', () => {
  test('knows ISO weeks and their years', async () => {
    const days = '2020-12-31 2021-01-03 2021-01-04 2024-01-01 2024-02-29 2024-12-29 2024-12-30'.split(' ');
    await loader.load(
      '2024-02-25',
      days.map((date_time) => order(date_time, 1, { date_time })),
    );
    assert.deepEqual(
      await lines(
        db.pool,
        `select date_id, date_actual, iso_year, week_of_year, week_start, day_of_week, day_of_month, month_actual,
           quarter_actual, year_actual from mart.d_calendar order by date_id`,
      ),
      [
        '20201231 | 2020-12-31 | 2020 | 53 | 2020-12-28 | 4 | 31 | 12 | 4 | 2020',
        '20210103 | 2021-01-03 | 2020 | 53 | 2020-12-28 | 7 | 3 | 1 | 1 | 2021',
        '20210104 | 2021-01-04 | 2021 | 1 | 2021-01-04 | 1 | 4 | 1 | 1 | 2021',
        '20240101 | 2024-01-01 | 2024 | 1 | 2024-01-01 | 1 | 1 | 1 | 1 | 2024',
        '20240229 | 2024-02-29 | 2024 | 9 | 2024-02-26 | 4 | 29 | 2 | 1 | 2024',
        '20241229 | 2024-12-29 | 2024 | 52 | 2024-12-23 | 7 | 29 | 12 | 4 | 2024',
        '20241230 | 2024-12-30 | 2025 | 1 | 2024-12-30 | 1 | 30 | 12 | 4 | 2024',
      ],
    );
  });

  test('reaches from the first to the last day that a file can hold', async () => {
    await loader.load('2024-02-25', [
      order('a', 1, { date_time: '0001-01-01' }),
      order('z', 1, { date_time: '9999-12-31' }),
    ]);
    assert.deepEqual(await lines(db.pool, 'select date_id, date_actual from mart.d_calendar order by 1'), [
      '10101 | 0001-01-01',
      '99991231 | 9999-12-31',
    ]);
    assert.deepEqual(
      await lines(db.pool, 'select period_id, period_start from mart.f_customer_retention order by 1'),
      ['101 | 0001-01-01', '999952 | 9999-12-27'],
    );
  });

  test('holds the dates of facts and no other: not the load dates, not those that a redelivery took away', async () => {
    const on = (date_time: string) => ({ date_time });
    await loader.load('2024-02-25', [order('a', 1, on('2024-01-01')), order('b', 1, on('2024-01-01'))]);
    await loader.load('2024-02-26', [order('c', 1, on('2024-01-02'))]);
    assert.deepEqual(await dates(), ['20240101', '20240102']);
    // One of two facts leaves a date, then the other one; one comes to it in the same moment.
    await loader.load('2024-02-25', [order('a', 1, on('2024-01-03')), order('b', 1, on('2024-01-01'))]);
    assert.deepEqual(await dates(), ['20240101', '20240102', '20240103']);
    await loader.load('2024-02-25', [order('a', 1, on('2024-01-01')), order('b', 1, on('2024-01-03'))]);
    assert.deepEqual(await dates(), ['20240101', '20240102', '20240103']);
    await loader.load('2024-02-25', [order('x', 1, on('2024-01-03'))]);
    assert.deepEqual(await dates(), ['20240102', '20240103']);
    await loader.load('2024-02-26', [order('c', 1, on('2024-01-03'))]);
    assert.deepEqual(await dates(), ['20240103']);
    await loader.load('2024-02-25', []);
    assert.deepEqual(await dates(), ['20240103']);
    await loader.load('2024-02-26', []);
    assert.deepEqual(await dates(), []);
  });
});

describe('d_city and d_item', () => {
  test('only grow, and keep the name first loaded', async () => {
    await loader.load('2024-02-26', [
      order('a', 1, { id: 2, city_id: 1, city_name: 'Second', item_id: 7, item_name: 'Второй' }),
      order('b', 1, { id: 1, city_id: 1, city_name: 'First', item_id: 7, item_name: 'Первый' }),
    ]);
    await loader.load('2024-02-25', [
      order('c', 1, { city_id: 1, city_name: 'Other', item_id: 7, item_name: 'Другой' }),
      order('d', 1, { city_id: 2, city_name: 'New', item_id: 8, item_name: 'Новый' }),
    ]);
    await loader.load('2024-02-26', []);
    await loader.load('2024-02-25', []);
    const { d_city, d_item } = await tables(db.pool, ['d_city', 'd_item']);
    assert.deepEqual(
      [d_city, d_item],
      [
        ['1 | First', '2 | New'],
        ['7 | Первый', '8 | Новый'],
      ],
    );
  });
});

describe('d_customer has the name and city of the last order', () => {
  const of = (uniq_id: string, date_time: string, city_id: number, more: Partial<Order> = {}): Order => ({
    ...{ uniq_id, date_time, city_id, first_name: `name ${city_id}`, last_name: `family ${city_id}` },
    ...more,
  });

  test('new customers are inserted, returning ones move', async () => {
    await loader.load('2024-02-25', [of('a', '2024-02-25', 1), of('b', '2024-02-25', 2, { customer_id: 2 })]);
    await loader.load('2024-02-26', [of('c', '2024-02-26', 3)]);
    assert.deepEqual(await customers(), ['1 | name 3 | family 3 | 3', '2 | name 2 | family 2 | 2']);
  });

  test('an old day loaded later never moves a customer back', async () => {
    await loader.load('2024-02-26', [of('b', '2024-02-26', 2)]);
    await loader.load('2024-02-25', [of('a', '2024-02-25', 1)]);
    assert.deepEqual(await customers(), ['1 | name 2 | family 2 | 2']);
  });

  test('date_time decides before load_date', async () => {
    await loader.load('2024-02-25', [of('a', '2024-02-25 10:00:00.000002', 1)]);
    await loader.load('2024-02-26', [of('b', '2024-02-25 10:00:00.000001', 2)]);
    assert.deepEqual(await customers(), ['1 | name 1 | family 1 | 1']);
  });

  test('then load_date before id', async () => {
    await loader.load('2024-02-26', [of('b', '2024-02-25', 2, { id: 1 })]);
    await loader.load('2024-02-25', [of('a', '2024-02-25', 1, { id: 9 })]);
    assert.deepEqual(await customers(), ['1 | name 2 | family 2 | 2']);
  });

  test('then id, as a number, any before none', async () => {
    await loader.load('2024-02-25', [
      of('a', '2024-02-25', 1, { id: 10 }),
      of('b', '2024-02-25', 2, { id: 9 }),
    ]);
    assert.deepEqual(await customers(), ['1 | name 1 | family 1 | 1']);
    await loader.load('2024-02-25', [
      of('a', '2024-02-25', 1, { id: '' }),
      of('b', '2024-02-25', 2, { id: -9 }),
    ]);
    assert.deepEqual(await customers(), ['1 | name 2 | family 2 | 2']);
  });

  test('a tie in all three is decided the same way, whatever came first', async () => {
    const tied = [of('a', '2024-02-25', 1, { id: 5 }), of('b', '2024-02-25', 2, { id: 5 })];
    await loader.load('2024-02-25', tied);
    const first = await customers();
    await empty(db.pool);
    await loader.load('2024-02-25', tied.toReversed());
    assert.deepEqual(await customers(), first);
  });

  test('an order of any status and any delivery counts, shown in the mart or not', async () => {
    await loader.load('2024-02-25', [of('a', '2024-02-28', 1)]);
    await loader.load('2024-02-26', [of('a', '2024-02-24', 2)]);
    assert.deepEqual(await lines(db.pool, 'select city_id from mart.f_sales'), ['2']);
    assert.deepEqual(await customers(), ['1 | name 1 | family 1 | 1']);
    await loader.load('2024-02-24', [of('r', '2024-02-29', 3, { status: 'refunded' })]);
    assert.deepEqual(await customers(), ['1 | name 3 | family 3 | 3']);
    await loader.load('2024-02-20', [of('h', '2024-03-01', 4)], { source: 'history' });
    assert.deepEqual(await customers(), ['1 | name 4 | family 4 | 4']);
  });

  test('a redelivery that withdraws the last order moves the customer to the one before', async () => {
    await loader.load('2024-02-25', [of('a', '2024-02-25', 1)]);
    await loader.load('2024-02-26', [of('b', '2024-02-26', 2), of('x', '2024-02-26', 9, { customer_id: 9 })]);
    await loader.load('2024-02-26', [of('x', '2024-02-26', 9, { customer_id: 9 })]);
    assert.deepEqual(await customers(), ['1 | name 1 | family 1 | 1', '9 | name 9 | family 9 | 9']);
  });

  test('so does one that gives the order to another customer, or another time', async () => {
    await loader.load('2024-02-25', [of('a', '2024-02-25', 1)]);
    await loader.load('2024-02-26', [of('b', '2024-02-26', 2)]);
    await loader.load('2024-02-26', [of('b', '2024-02-26', 2, { customer_id: 2 })]);
    assert.deepEqual(await customers(), ['1 | name 1 | family 1 | 1', '2 | name 2 | family 2 | 2']);
    await loader.load('2024-02-26', [of('b', '2024-02-24', 2)]);
    assert.deepEqual((await customers())[0], '1 | name 1 | family 1 | 1');
  });

  test('a customer whose rows were all withdrawn stays as before, until the next order', async () => {
    await loader.load('2024-02-25', [of('a', '2024-02-25', 1)]);
    await loader.load('2024-02-25', []);
    assert.deepEqual(await customers(), ['1 | name 1 | family 1 | 1']);
    await loader.load('2024-02-24', [of('z', '2024-02-01', 5)]);
    assert.deepEqual(await customers(), ['1 | name 5 | family 5 | 5']);
  });

  test('a last order without a name leaves none', async () => {
    await loader.load('2024-02-25', [of('a', '2024-02-25', 1)]);
    await loader.load('2024-02-26', [of('b', '2024-02-26', 2, { first_name: '', last_name: '' })]);
    assert.deepEqual(await customers(), ['1 | - | - | 2']);
  });
});

describe('what was deleted by hand comes back as the newest delivery has it, whichever is loaded', () => {
  const on = (day: number, more: Partial<Order> = {}) =>
    order('a', day, { date_time: `2024-02-${day}`, city_id: day, first_name: `name ${day}`, ...more });

  /** Everything as it is, then with the facts and customers gone and one delivery loaded again. */
  async function assertBack(again: string, source?: 'history'): Promise<void> {
    const names = ['f_sales', 'd_customer', 'd_calendar', 'f_customer_retention'];
    const whole = textOf(await tables(db.pool, names));
    await db.pool.query('delete from mart.f_sales; truncate mart.d_customer');
    await loader.updateMart(again, source);
    assert.equal(textOf(await tables(db.pool, names)), whole);
  }

  test('of days', async () => {
    for (const day of [25, 27, 26]) await loader.load(`2024-02-${day}`, [on(day)]);
    for (const day of [25, 26, 27]) await assertBack(`2024-02-${day}`);
  });

  test('dates of the calendar', async () => {
    await loader.load('2024-02-25', [on(24), order('b', 25)]);
    await loader.load('2024-02-26', [on(26)]);
    await db.pool.query('delete from mart.d_calendar');
    await loader.updateMart('2024-02-25');
    // Not the 24th, whose order came again with another date.
    assert.deepEqual(await dates(), ['20240225']);
    await loader.updateMart('2024-02-26');
    assert.deepEqual(await dates(), ['20240225', '20240226']);
  });

  test('of days and history', async () => {
    await loader.load('2024-02-26', [on(20), order('h', 26)], { source: 'history' });
    await loader.load('2024-02-25', [on(25), order('h', 25)]);
    await assertBack('2024-02-26', 'history');
    await assertBack('2024-02-25');
    await loader.load('2024-02-28', [on(28), order('h', 28)], { source: 'history' });
    for (const day of ['2024-02-26', '2024-02-28']) await assertBack(day, 'history');
  });

  test('each status by itself, also where the newer delivery has lost the order since', async () => {
    await loader.load('2024-02-25', [on(25), on(25, { status: 'refunded' }), order('b', 25)]);
    await loader.load('2024-02-26', [on(26, { status: 'refunded' }), order('b', 26)]);
    await loader.load('2024-02-26', [on(26, { status: 'refunded' })]);
    await assertBack('2024-02-25');
  });

  test('a customer whose last order came with an earlier day than is loaded', async () => {
    await loader.load('2024-02-25', [on(27)]);
    await loader.load('2024-02-26', [order('b', 1, { date_time: '2024-02-26', city_id: 26 })]);
    await db.pool.query('truncate mart.d_customer');
    await loader.updateMart('2024-02-26');
    assert.deepEqual(await lines(db.pool, 'select city_id, load_date from mart.d_customer'), [
      '27 | 2024-02-25',
    ]);
  });

  test('nothing else comes along, and a late day that lacks nothing changes nothing', async () => {
    await loader.load('2024-02-25', [on(25), order('b', 25, { customer_id: 2 })]);
    await loader.load('2024-02-26', [order('c', 26), order('d', 26, { customer_id: 3 })]);
    await db.pool.query('delete from mart.f_sales; delete from mart.d_customer');
    await loader.updateMart('2024-02-25');
    assert.deepEqual(await facts(), ['a | shipped | 25 | 100.00', 'b | shipped | 25 | 100.00']);
  });
});
