import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { isStagingDamaged, repair, verify, type Difference } from '../../database/verify.ts';
import type { Verified } from '../../schemas/documents.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { client } from '../support/client.ts';
import { dump } from '../support/dump.ts';
import { empty, Loader, VIEWS } from './support.ts';

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);

const order = (uniq_id: string, day: number, more: Partial<Order> = {}): Order => ({
  ...{
    uniq_id,
    date_time: `2024-02-${day}`,
    customer_id: day,
    city_id: day,
    item_id: day,
    item_name: `item ${day}`,
  },
  ...more,
});

beforeEach(async () => {
  await empty(db.pool);
  await loader.load('2024-02-20', [order('h', 19)], { source: 'history' });
  await loader.load('2024-02-25', [order('a', 25), order('b', 25), order('both', 25), order('gone', 24)]);
  await loader.load('2024-02-26', [order('both', 26), order('c', 26, { status: 'refunded' })]);
  // A city, an item and a customer that staging does not hold any longer.
  await loader.load('2024-02-25', [order('a', 25), order('b', 25), order('both', 25)]);
  await loader.stage('2024-02-25', 'Bread,12\nMilk,13\n', { feed: 'price_log' });
});

const differences = (range = {}) => verify(db.database, range, () => undefined);
const mend = async (named: Difference[], range = {}) => {
  await repair(db.database, named, range, () => undefined);
};
/** E.g. `mart.f_sales: 2 missing (a shipped, b shipped)`. */
const words = (named: Difference[]) =>
  named.map(
    ({ table, difference, rows, first_keys }) => `${table}: ${rows} ${difference} (${first_keys.join(', ')})`,
  );
const found = async (range = {}) => words(await differences(range));

/** What is done by hand, and what is named. */
const DAMAGES: Record<string, [statement: string, ...named: string[]]> = {
  'facts deleted': [
    `delete from mart.f_sales where uniq_id in ('a', 'c')`,
    'mart.f_sales: 2 missing (a shipped, c refunded)',
    'mart.f_customer_retention: 2 different (202408, 202409)',
    'mart.f_customer_retention_by_item: 2 different (202408 25, 202409 26)',
  ],
  'an amount changed': [
    `update mart.f_sales set payment_amount = 1 where uniq_id = 'a'`,
    'mart.f_sales: 1 different (a shipped)',
    'mart.f_customer_retention: 1 different (202408)',
    'mart.f_customer_retention_by_item: 1 different (202408 25)',
  ],
  'a fact of an older delivery': [
    `update mart.f_sales set load_date = '2024-02-25' where uniq_id = 'both'`,
    'mart.f_sales: 1 different (both shipped)',
  ],
  'a fact that nobody delivered': [
    `insert into mart.f_sales select 'x', status, date_id, item_id, customer_id, city_id, quantity, 0, load_date, is_history
     from mart.f_sales where uniq_id = 'h'`,
    'mart.f_sales: 1 extra (x shipped)',
    'mart.f_customer_retention: 1 different (202408)',
    'mart.f_customer_retention_by_item: 1 different (202408 19)',
  ],
  'dates of the calendar deleted, added and changed': [
    `delete from mart.d_calendar where date_id = 20240225;
     update mart.d_calendar set quarter_actual = 4 where date_id = 20240226;
     insert into mart.d_calendar select 20240101, '2024-01-01', 1, 1, 1, 2024, '2024-01-01', 1, 1, 2024, 202401`,
    'mart.d_calendar: 1 missing (20240225)',
    'mart.d_calendar: 1 extra (20240101)',
    'mart.d_calendar: 1 different (20240226)',
    'mart.f_customer_retention: 1 different (202408)',
    'mart.f_customer_retention_by_item: 1 missing (202408 25)',
  ],
  'a city deleted': ['delete from mart.d_city where city_id = 25', 'mart.d_city: 1 missing (25)'],
  'items deleted': ['delete from mart.d_item where item_id <> 24', 'mart.d_item: 3 missing (19, 25, 26)'],
  'customers deleted and moved': [
    `delete from mart.d_customer where customer_id = 25; update mart.d_customer set city_id = 1 where customer_id = 19`,
    'mart.d_customer: 1 missing (25)',
    'mart.d_customer: 1 different (19)',
  ],
  'what status tells of a revenue': [
    `insert into staging.day_load (load_date, outcome, revenue, number, workflow_id, run_id, started_at, finished_at)
     values ('2024-02-26', 'loaded', 1, 1, 'x', 'x', now(), now())`,
    'staging.day_load.revenue: 1 different (2024-02-26 f)',
  ],
  'what status tells of the mart': [
    `update staging.file_load set mart_delivery_number = 0 where load_date = '2024-02-26'`,
    'staging.file_load.mart_delivery_number: 1 different (2024-02-26 user_order_log_inc)',
  ],
};

test('every damage is named and mended, and an undamaged mart equals its definition, whatever it holds beyond', async () => {
  const all = () => dump(db.pool, ['f_sales', 'd_calendar', 'd_city', 'd_item', 'd_customer', ...VIEWS]);
  assert.deepEqual(await found(), []);
  const whole = await all();
  assert.match(whole, /== d_customer\n.*\["24"/s);
  for (const [name, [statement, ...expected]] of Object.entries(DAMAGES)) {
    await db.pool.query(statement);
    const named = await differences();
    assert.deepEqual(words(named), expected, name);
    await mend(named);
    assert.deepEqual(await found(), [], name);
    assert.equal(await all(), whole, name);
  }
});

test('the server gives up neither connection while it waits for the other one', async () => {
  const limits = await db.database.snapshotTwice((sessions) =>
    Promise.all(
      sessions.map(async (session) => {
        const { rows } = await session.query<{ limit: string }>(
          `select current_setting('idle_in_transaction_session_timeout') as limit`,
        );
        return rows[0]?.limit;
      }),
    ),
  );
  assert.deepEqual(limits, ['0', '0']);
});

test('a range is about its load dates alone, and is mended alone', async () => {
  await db.pool.query(
    `update mart.f_sales set quantity = 9; update mart.d_customer set city_id = 1; delete from mart.d_city`,
  );
  const of26 = [
    'mart.f_sales: 2 different (both shipped, c refunded)',
    'mart.d_city: 1 missing (26)',
    'mart.d_customer: 1 different (26)',
  ];
  const from = { from: '2024-02-26' };
  assert.deepEqual(await found(from), of26);
  assert.deepEqual(await found({ ...from, to: '2024-02-26' }), of26);
  await mend(await differences(from), from);
  assert.deepEqual(await found(from), []);
  assert.deepEqual(await found({ to: '2024-02-24' }), [
    'mart.f_sales: 1 different (h shipped)',
    'mart.d_city: 1 missing (19)',
    'mart.d_customer: 1 different (19)',
  ]);
  assert.deepEqual(await found({ to: '2024-02-25' }), [
    'mart.f_sales: 3 different (a shipped, b shipped, h shipped)',
    'mart.d_city: 2 missing (19, 25)',
    'mart.d_customer: 2 different (19, 25)',
  ]);
});

test('rows that are lost in staging are named, and nothing may be mended by what is left', async () => {
  await db.pool.query(
    `delete from staging.user_order_log where uniq_id = 'a'; delete from staging.price_log`,
  );
  const named = await differences();
  assert.ok(isStagingDamaged(named));
  assert.deepEqual(
    words(named).filter((line) => line.startsWith('staging.file_load')),
    ['staging.file_load.rows_kept: 2 different (2024-02-25 price_log_inc, 2024-02-25 user_order_log_inc)'],
  );
});

test('a date that is staged and not in the mart is named, and brought into it', async () => {
  await loader.stage('2024-02-26', [order('new', 26)]);
  const named = await differences();
  assert.ok(words(named).includes('mart.f_sales: 1 missing (new shipped)'));
  await mend(named);
  assert.deepEqual(await found(), []);
});

test('the command: exit codes and documents, a range, and --repair', async () => {
  const run = async (code: number, ...args: string[]) => {
    const ended = await client(['verify', '--json', ...args], { DATABASE_URL: db.url });
    assert.equal(ended.code, code, ended.stderr);
    return JSON.parse(ended.stdout) as Verified;
  };
  await db.pool.query(`update mart.f_sales set quantity = 9 where uniq_id = 'a'`);
  const difference = { table: 'mart.f_sales', difference: 'different', rows: 1, first_keys: ['a shipped'] };
  const { error, ...found } = await run(1, '--to', '2024-02-25');
  assert.match(error ?? '', /`verify --repair` mends it/);
  const named = [{ ...difference, mended: false }];
  assert.deepEqual(found, { from: null, to: '2024-02-25', equal: false, differences: named });
  const mended = { equal: true, differences: [{ ...difference, mended: true }], error: null };
  assert.deepEqual(await run(0, '--repair'), { from: null, to: null, ...mended });
  // Of a date outside of the range.
  await db.pool.query(
    `delete from staging.price_log; update mart.f_sales set quantity = 9 where uniq_id = 'c'`,
  );
  const outside = await run(1, '--repair', '--from', '2024-02-26');
  assert.match(outside.error ?? '', /Load those dates again/);
  assert.deepEqual(
    outside.differences.map(({ table, first_keys, mended }) => [table, first_keys, mended]),
    [
      ['mart.f_sales', ['c refunded'], false],
      ['staging.file_load.rows_kept', ['2024-02-25 price_log_inc'], false],
    ],
  );
});
