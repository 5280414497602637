import assert from 'node:assert/strict';
import { after, afterEach, describe, test } from 'node:test';
import { createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { discardAbandoned } from '../../pipeline/load/abandoned.ts';
import { empty, lines, Loader } from './support.ts';

const DAY = '2024-02-25';

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);
afterEach(() => empty(db.pool));

/** What is staged, as `load_date | uniq_id | status | id | quantity`. */
const staged = () =>
  lines(
    db.pool,
    `select load_date, uniq_id, status, id, quantity from staging.user_order_log
     order by load_date, is_history, uniq_id, status`,
  );
const rejected = () =>
  lines(db.pool, 'select load_date, file, line, column_name from staging.rejected_row order by 1, 2, 3');

function order(uniq_id: string, id: number | string, quantity: number, more: Partial<Order> = {}): Order {
  return { uniq_id, id, quantity, ...more };
}

/** Of each key the rows in the file, and the one that is staged: id:quantity. */
const KEYS: Record<string, [rows: string, staged: string]> = {
  'the highest id, first in the file': ['9:1 3:2', '9 | 1'],
  'the highest id, last in the file': ['3:2 9:1', '9 | 1'],
  'ids are compared as numbers, not as text': ['10:1 9:2', '10 | 1'],
  'negative ids too': ['-5:1 -7:2', '-5 | 1'],
  'ids that a double cannot tell apart': ['9007199254740993:1 9007199254740992:2', '9007199254740993 | 1'],
  'with equal ids, the last': ['4:1 4:2', '4 | 2'],
  'with equal ids, the last also when it repeats an earlier one': ['4:1 4:2 4:1', '4 | 1'],
  'without ids, the last': [':1 :2 :1', '- | 1'],
  'any id before none, however low': ['-1:1 :2', '-1 | 1'],
  'equal repeats keep the highest id': ['2:1 7:1 5:1', '7 | 1'],
  'a key may hold what COPY must quote: \\N \t': ['1:1', '1 | 1'],
  // Keys are compared byte by byte: case, spaces and normal forms make a difference.
  ...Object.fromEntries(['ё', 'е\u0308', 'Ё', 'A', 'a', 'a '].map((key) => [key, ['1:1', '1 | 1']])),
};

test('of each key one row is staged: the highest id, then the last', async () => {
  const orders = Object.entries(KEYS).flatMap(([key, [rows]]) =>
    rows.split(' ').map((row) => {
      const [id = '', quantity = ''] = row.split(':');
      return order(`"${key}"`, id, Number(quantity));
    }),
  );
  const bad = order('bad', 1, 1, { status: '' });
  const { counts } = await loader.stage(DAY, [...orders, bad]);
  const expected = Object.entries(KEYS).map(([key, [, row]]) => `${DAY} | ${key} | shipped | ${row}`);
  assert.deepEqual((await staged()).sort(), expected.sort());
  assert.deepEqual(await rejected(), [`${DAY} | user_order_log_inc | ${orders.length + 2} | status`]);
  const [rows_kept, rows_rejected] = [expected.length, 1];
  const rows_duplicate = orders.length - rows_kept;
  assert.deepEqual(counts, { rows_read: orders.length + 1, rows_kept, rows_duplicate, rows_rejected });
});

describe('loading a date again', () => {
  test('writes nothing when the file is the same', async () => {
    const orders = [
      order('a', 1, 1),
      order('a', '', 3),
      order('b', '', 1, { first_name: '', status: 'refunded' }),
    ];
    const rows = async () => {
      const names = [
        'staging.user_order_log',
        'mart.f_sales',
        'mart.d_customer',
        'mart.d_city',
        'mart.d_calendar',
      ];
      const read = (name: string) =>
        lines(db.pool, `select '${name}', xmin, ctid, t from ${name} as t order by ctid`);
      return (await Promise.all(names.map(read))).flat();
    };
    await loader.load(DAY, orders);
    const before = await rows();
    assert.equal(before.length, 7);
    await loader.load(DAY, orders);
    assert.deepEqual(await rows(), before);
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
