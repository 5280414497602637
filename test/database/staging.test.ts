import assert from 'node:assert/strict';
import { after, afterEach, describe, test } from 'node:test';
import { createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { discardAbandoned } from '../../pipeline/load/abandoned.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { empty, lines, Loader } from './support.ts';

const DAY = '2024-02-25';

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);
afterEach(() => empty(db.pool));

/** What is staged, as `load_date | uniq_id | status | id | quantity`. */
async function staged(): Promise<string[]> {
  return await lines(
    db.pool,
    `select load_date, uniq_id, status, id, quantity from staging.user_order_log
     order by load_date, is_history, uniq_id, status`,
  );
}

async function rejected(): Promise<string[]> {
  return await lines(
    db.pool,
    'select load_date, file, line, column_name from staging.rejected_row order by load_date, file, line',
  );
}

function order(uniq_id: string, id: number | string, quantity: number, more: Partial<Order> = {}): Order {
  return { uniq_id, id, quantity, ...more };
}

describe('which row of one key is staged', () => {
  const cases: [string, Order[], string][] = [
    ['the highest id, first in the file', [order('a', 9, 1), order('a', 3, 2)], 'a | shipped | 9 | 1'],
    ['the highest id, last in the file', [order('a', 3, 2), order('a', 9, 1)], 'a | shipped | 9 | 1'],
    [
      'ids are compared as numbers, not as text',
      [order('a', 10, 1), order('a', 9, 2)],
      'a | shipped | 10 | 1',
    ],
    ['negative ids too', [order('a', -5, 1), order('a', -7, 2)], 'a | shipped | -5 | 1'],
    [
      'ids that a double cannot tell apart',
      [order('a', '9007199254740993', 1), order('a', '9007199254740992', 2)],
      'a | shipped | 9007199254740993 | 1',
    ],
    [
      'the range of bigint to its end',
      [order('a', '9223372036854775807', 1), order('a', '-9223372036854775808', 2)],
      'a | shipped | 9223372036854775807 | 1',
    ],
    ['with equal ids, the last', [order('a', 4, 1), order('a', 4, 2)], 'a | shipped | 4 | 2'],
    [
      'with equal ids, the last also when it repeats an earlier one',
      [order('a', 4, 1), order('a', 4, 2), order('a', 4, 1)],
      'a | shipped | 4 | 1',
    ],
    ['without ids, the last', [order('a', '', 1), order('a', '', 2)], 'a | shipped | - | 2'],
    [
      'without ids, the last also when it repeats an earlier one',
      [order('a', '', 1), order('a', '', 2), order('a', '', 1)],
      'a | shipped | - | 1',
    ],
    ['any id before none', [order('a', 1, 1), order('a', '', 2)], 'a | shipped | 1 | 1'],
    ['any id before none, however low', [order('a', -1, 1), order('a', '', 2)], 'a | shipped | -1 | 1'],
    [
      'equal repeats keep the highest id',
      [order('a', 2, 1), order('a', 7, 1), order('a', 5, 1)],
      'a | shipped | 7 | 1',
    ],
    ['a key may hold what a CSV or COPY must quote', [order('"a\\N,\t"', 1, 1)], 'a\\N,\t | shipped | 1 | 1'],
  ];
  for (const [name, orders, expected] of cases) {
    test(name, async () => {
      const { counts } = await loader.stage(DAY, orders);
      assert.deepEqual(await staged(), [`${DAY} | ${expected}`]);
      assert.deepEqual(counts, {
        rows_read: orders.length,
        rows_kept: 1,
        rows_duplicate: orders.length - 1,
        rows_rejected: 0,
      });
    });
  }

  test('the two statuses of one order are two rows', async () => {
    await loader.stage(DAY, [
      order('a', 1, 1, { status: 'shipped' }),
      order('a', 2, 2, { status: 'refunded' }),
    ]);
    assert.deepEqual(await staged(), [`${DAY} | a | refunded | 2 | 2`, `${DAY} | a | shipped | 1 | 1`]);
  });

  test('keys are compared byte by byte: case, spaces and normal forms make a difference', async () => {
    const keys = ['ё', 'е\u0308', 'Ё', 'A', 'a', 'a '];
    await loader.stage(
      DAY,
      keys.map((key) => order(key, 1, 1)),
    );
    assert.equal((await staged()).length, keys.length);
  });
});

describe('loading a date again', () => {
  test('leaves exactly what the newest file says, changed, shrunk or grown', async () => {
    const files: Order[][] = [
      [order('a', 1, 1), order('b', 2, 1), order('c', 3, 1)],
      [order('a', 1, 1), order('b', 2, 5), order('c', 3, 1)],
      [order('b', 9, 5)],
      [order('a', 1, 7), order('b', 9, 5), order('x', 3, 1), order('y', 3, 1)],
      [],
      [order('a', 1, 1)],
    ];
    for (const orders of files) {
      await loader.stage(DAY, orders);
      assert.deepEqual(
        await staged(),
        orders.map(
          ({ uniq_id, id = '', quantity = '' }) => `${DAY} | ${uniq_id} | shipped | ${id} | ${quantity}`,
        ),
      );
    }
  });

  test('leaves other dates as they are, also those that stand in its rows', async () => {
    await loader.stage('2024-02-24', [order('a', 1, 1)]);
    await loader.stage(DAY, [order('a', 1, 2, { date_time: '2024-02-24T00:00:00' })]);
    await loader.stage(DAY, []);
    assert.deepEqual(await staged(), ['2024-02-24 | a | shipped | 1 | 1']);
  });

  test('writes nothing when the file is the same', async () => {
    const orders = [
      order('a', 1, 1),
      order('a', '', 3),
      order('b', '', 1, { first_name: '', status: 'refunded' }),
    ];
    const tables = [
      'staging.user_order_log',
      'mart.f_sales',
      'mart.d_customer',
      'mart.d_city',
      'mart.d_calendar',
    ];
    const rows = async () =>
      (
        await Promise.all(
          tables.map((name) =>
            lines(db.pool, `select '${name}', xmin, ctid, t.* from ${name} as t order by ctid`),
          ),
        )
      ).flat();
    const writes = async () => {
      // Every connection keeps its own counts until it flushes them.
      const clients = await Promise.all(
        Array.from({ length: Math.max(1, db.pool.totalCount) }, () => db.pool.connect()),
      );
      for (const client of clients) {
        await client.query('select pg_stat_force_next_flush()');
        client.release(true);
      }
      return await lines(
        db.pool,
        `select schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_user_tables
         where schemaname || '.' || relname = any ($1) order by 1`,
        [tables],
      );
    };
    await loader.load(DAY, orders);
    const [rowsBefore, writesBefore] = [await rows(), await writes()];
    assert.equal(rowsBefore.length, 7);
    await loader.load(DAY, orders);
    assert.deepEqual(await rows(), rowsBefore);
    assert.deepEqual(await writes(), writesBefore);
  });

  test('replaces the rejected rows', async () => {
    const bad = order('bad', 1, 1, { payment_amount: 'NaN' });
    await loader.stage('2024-02-24', [bad]);
    await loader.stage(DAY, [order('a', 1, 1), bad, bad]);
    assert.deepEqual(await rejected(), [
      '2024-02-24 | user_order_log_inc | 2 | payment_amount',
      `${DAY} | user_order_log_inc | 3 | payment_amount`,
      `${DAY} | user_order_log_inc | 4 | payment_amount`,
    ]);
    await loader.stage(DAY, [bad, order('a', 1, 1)]);
    assert.deepEqual(await rejected(), [
      '2024-02-24 | user_order_log_inc | 2 | payment_amount',
      `${DAY} | user_order_log_inc | 2 | payment_amount`,
    ]);
    await loader.stage(DAY, [order('a', 1, 1)]);
    assert.deepEqual(await rejected(), ['2024-02-24 | user_order_log_inc | 2 | payment_amount']);
  });

  test('with bad rows beyond the share changes nothing', async () => {
    await loader.load(DAY, [order('a', 1, 1)]);
    const bad = order('b', 1, 1, { quantity: 'many' });
    await assert.rejects(
      loader.stage(DAY, [order('a', 2, 2), bad], { maxRejectedShare: 0.1 }),
      /1 of its 2 rows/,
    );
    assert.deepEqual([...(await staged()), ...(await rejected())], [`${DAY} | a | shipped | 1 | 1`]);
  });

  test('an older download never replaces a newer one, and is reported as superseded', async () => {
    const older = await nextDeliveryNumber(db.database);
    const newer = await nextDeliveryNumber(db.database);
    const bad = order('bad', 1, 1, { quantity: '' });
    const first = await loader.stage(DAY, [order('a', 1, 1), bad], { deliveryNumber: newer });
    const second = await loader.stage(DAY, [order('b', 1, 1), order('c', 1, 1)], { deliveryNumber: older });
    assert.equal(first.superseded, false);
    assert.deepEqual(second, { ...first, superseded: true });
    assert.deepEqual(await staged(), [`${DAY} | a | shipped | 1 | 1`]);
    assert.deepEqual(await rejected(), [`${DAY} | user_order_log_inc | 3 | quantity`]);
    assert.deepEqual(await lines(db.pool, 'select delivery_number, rows_read from staging.file_load'), [
      `${newer} | 2`,
    ]);
    // The same download tried once more is no older one.
    const again = await loader.stage(DAY, [order('a', 1, 1), bad], { deliveryNumber: newer });
    assert.equal(again.superseded, false);
  });

  test('rows_read is always kept, duplicate and rejected together', async () => {
    const bad = order('a', 1, 1, { status: '' });
    const orders = [order('a', 1, 1), order('a', 1, 1), order('a', 2, 1), bad, order('b', 1, 1), bad];
    const { counts } = await loader.stage(DAY, orders);
    assert.deepEqual(counts, { rows_read: 6, rows_kept: 2, rows_duplicate: 2, rows_rejected: 2 });
    assert.deepEqual(
      await lines(
        db.pool,
        'select file, rows_read, rows_kept, rows_duplicate, rows_rejected from staging.file_load',
      ),
      ['user_order_log_inc | 6 | 2 | 2 | 2'],
    );
  });
});

describe('history', () => {
  test('and an increment of its start day stay side by side', async () => {
    const bad = order('bad', 1, 1, { customer_id: '' });
    await loader.stage(DAY, [order('a', 1, 1), bad], { source: 'history' });
    await loader.stage(DAY, [order('a', 2, 2), order('b', 2, 2)]);
    const both = [
      `${DAY} | a | shipped | 2 | 2`,
      `${DAY} | b | shipped | 2 | 2`,
      `${DAY} | a | shipped | 1 | 1`,
    ];
    assert.deepEqual(await staged(), both);
    assert.deepEqual(await rejected(), [`${DAY} | user_order_log | 3 | customer_id`]);
    await loader.stage(DAY, [order('b', 2, 2)]);
    await loader.stage(DAY, [order('a', 5, 5)], { source: 'history' });
    assert.deepEqual(await staged(), [`${DAY} | b | shipped | 2 | 2`, `${DAY} | a | shipped | 5 | 5`]);
    assert.deepEqual(await rejected(), []);
    assert.deepEqual(await lines(db.pool, 'select load_date, file from staging.file_load order by file'), [
      `${DAY} | user_order_log`,
      `${DAY} | user_order_log_inc`,
    ]);
  });
});

describe('what has landed', () => {
  const landedRows = async () =>
    await lines(
      db.pool,
      `select
         (select count(*) from staging.landed_file), (select count(*) from staging.incoming_user_order_log),
         (select count(*) from staging.incoming_rejected)`,
    );
  const bad = order('bad', 1, 1, { customer_id: '' });

  test('is staged by whichever worker comes, and goes from where it waited', async () => {
    const landed = await loader.land(DAY, [order('a', 1, 1), order('a', 2, 2), bad]);
    assert.deepEqual([...(await staged()), ...(await rejected())], []);
    assert.deepEqual(await landedRows(), ['1 | 2 | 1']);
    const { counts } = await loader.stageLanded(landed);
    assert.deepEqual(counts, { rows_read: 3, rows_kept: 1, rows_duplicate: 1, rows_rejected: 1 });
    assert.deepEqual(await landedRows(), ['0 | 0 | 0']);
  });

  test('is staged once: another try, or a reset to before it, is told what was', async () => {
    const landed = await loader.land(DAY, [order('a', 1, 1), bad]);
    const first = await loader.stageLanded(landed);
    assert.deepEqual(await loader.stageLanded(landed), first);
    assert.equal(first.superseded, false);
    const newer = await loader.stage(DAY, [order('b', 1, 1)]);
    assert.deepEqual(await loader.stageLanded(landed), { ...newer, superseded: true });
    assert.deepEqual(await staged(), [`${DAY} | b | shipped | 1 | 1`]);
  });

  test('goes with what is newer: of a retry whose first try had landed, of a run that was overtaken', async () => {
    const older = await loader.land(DAY, [order('old', 1, 1), bad]);
    const other = await loader.land('2024-02-26', [order('other', 1, 1)]);
    await loader.stage(DAY, [order('new', 1, 1)]);
    assert.deepEqual(await landedRows(), ['1 | 1 | 0']);
    assert.equal((await loader.stageLanded(older)).superseded, true);
    await loader.stageLanded(other);
    assert.deepEqual(await landedRows(), ['0 | 0 | 0']);
  });

  test('and is gone is no empty file: its run is told to land it again', async () => {
    const before = await loader.stage(DAY, [order('before', 1, 1)]);
    const landed = await loader.land(DAY, []);
    await db.pool.query(
      `update staging.landed_file set landed_at = landed_at - interval '23 hours 59 minutes'`,
    );
    await discardAbandoned(db.database);
    assert.deepEqual(await landedRows(), ['1 | 0 | 0']);
    await db.pool.query(`update staging.landed_file set landed_at = landed_at - interval '2 minutes'`);
    await discardAbandoned(db.database);
    assert.deepEqual(await landedRows(), ['0 | 0 | 0']);
    await assert.rejects(loader.stageLanded(landed), {
      type: 'LandedRowsGone',
      nonRetryable: true,
      message: `The rows of user_order_log_inc of ${DAY} are no longer in the database.`,
    });
    assert.deepEqual(await staged(), [`${DAY} | before | shipped | 1 | 1`]);
    // A number that the audit row has is no proof of another file.
    await assert.rejects(loader.stageLanded({ ...landed, feed: 'price_log' }), { type: 'LandedRowsGone' });
    assert.equal(before.superseded, false);
  });

  test('lands whole or not at all', async () => {
    const landed = await loader.land(DAY, [order('a', 1, 1)]);
    await assert.rejects(loader.land(DAY, [order('b', 1, 1)], landed), { type: 'DatabaseRefused' });
    assert.deepEqual(await landedRows(), ['1 | 1 | 0']);
  });
});
