import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkColumn } from '../../pipeline/validate/column-rules.ts';
import { FEEDS, type Column, type ColumnType } from '../../domain/feeds.ts';
import { ordersCsv, type Order } from '../support/deliveries.ts';
import { ACTIVITY, activity, activityFile, ORDERS, checkCsv, PRICES } from './support.ts';

function brokenRule(type: ColumnType, value: string, more: Partial<Column> = {}): string | undefined {
  return checkColumn({ name: 'column', type, ...more }, value)?.rule;
}

describe('values', () => {
  const list = (text: string) => text.split('|');
  const cases: Record<Exclude<ColumnType, 'text'>, Record<string, readonly string[]>> = {
    bigint: {
      fine: list(`0|-0|+7| 12 |007|9223372036854775807|-9223372036854775808|${'0'.repeat(99)}1`),
      type: [
        ...list('2.5|1.0|1e3|0x1F|0b1|1_000|1 000|NaN|nan|inf|-Infinity|seven|--1|+|-|١٢'),
        ...['1\n', '1\t', '\u00a01', '1\r'],
      ],
      range: ['9223372036854775808', '-9223372036854775809', '9'.repeat(100), '1'.repeat(101)],
      required: ['', ' ', '\t'],
      nul: ['1\0', '\0'],
    },
    money: {
      fine: [
        ...list(
          '0|-0|1.5|12.30|.5|5.|+1|-99.99| 1 |12.3400|1e3|1.5E+2|100e-2|9999999999999999.99|0e999|0.000000',
        ),
        '1'.padStart(90, '0'),
      ],
      type: list('NaN|inf|Infinity|.|e5|1e|1,5|0x10|1_000|1 000|$5|5 ₽|+-1|1e9999'),
      rounding: list('12.345|0.001|1e-3|12.3401|-0.009|1.5e-2'),
      range: [...list('10000000000000000|1e16|-99999999999999999|1e999'), '1'.repeat(101)],
      required: ['', '   '],
      nul: ['1\0'],
    },
    timestamp: {
      fine: [
        ...list('2024-02-29|2000-02-29T23:59:59|2024-02-25 00:00| 2024-02-25T00:00:00.123456 |0001-01-01'),
        ...list('9999-12-31 23:59:59.999999|2024-02-25T00:00:00.1234560000'),
      ],
      type: [
        ...list(
          '2024-02-25T00:00:00Z|2024-02-25T00:00:00+03:00|2024-02-25 00:00:00-03|2024-02-25 00:00:00 MSK',
        ),
        ...list('25.02.2024|02/25/2024|20240225|2024-2-5|1708819200|now|today|infinity|epoch|2024-02-25T'),
        ...list('2024-02-25 00|2024-02-25  00:00|12024-02-25|2024-02-25 BC|2024-02-25T00:00:00.'),
      ],
      range: [
        ...list('2024-02-30|2023-02-29|1900-02-29|2024-13-01|2024-00-10|2024-04-31|2024-01-00|0000-01-01'),
        ...list('2024-02-25T24:00:00|2024-02-25T23:60:00|2024-02-25T23:59:60'),
      ],
      rounding: ['2024-02-25T00:00:00.1234567'],
      required: ['', ' '],
      nul: ['2024-02-25\0'],
    },
  };
  for (const type of ['bigint', 'money', 'timestamp'] as const)
    test(type, () => {
      for (const [rule, values] of Object.entries(cases[type]))
        for (const value of values)
          assert.equal(brokenRule(type, value) ?? 'fine', rule, JSON.stringify(value));
    });

  test('a time zone is named as the reason', () => {
    const broken = checkColumn({ name: 'date_time', type: 'timestamp' }, '2024-02-25T00:00:00Z');
    assert.equal(broken?.reason, 'date_time has a time zone; timestamps are naive.');
  });

  test('text: anything but NUL, nothing where a value is required, what is too long for a key, and what is not allowed', () => {
    const optional = { required: false };
    const allowed = { allowed: ['shipped', 'refunded'], required: false };
    const cases: [value: string, rule: string | undefined, more?: Partial<Column>][] = [
      ['Ё\n\t\\N"', undefined],
      ['', 'required'],
      ['', undefined, optional],
      ['a\0b', 'nul'],
      ['Ё'.repeat(200), undefined, { maxLength: 200 }],
      ['Ё'.repeat(201), 'range', { maxLength: 200 }],
      ['refunded', undefined, allowed],
      ['', 'required', allowed],
      ...['Shipped', ' shipped', 'shipped\r', 'lost'].map((value): (typeof cases)[0] => [
        value,
        'allowed',
        allowed,
      ]),
    ];
    for (const [value, rule, more] of cases) assert.equal(brokenRule('text', value, more), rule, value);
  });

  // An expression that goes back over such a value does not end before a file of tests must.
  test('a hostile value is checked at once, and its message is short and well-formed', () => {
    const hostile = [`${'1'.repeat(1e6)}x`, `${' '.repeat(1e6)}x`, `0.${'0'.repeat(1e6)}`, '😀'.repeat(1e5)];
    for (const type of ['bigint', 'money', 'timestamp'] as const)
      for (const value of hostile) {
        const broken = checkColumn({ name: 'column', type }, value);
        assert.ok(broken && broken.reason.length < 200);
        assert.doesNotMatch(broken.reason, /\p{Surrogate}/u);
      }
  });
});

describe('rows', () => {
  test('a bad value sets its row aside, with line, column, reason and the row as it was', async () => {
    const bad: [Partial<Order>, column: string, rule: string][] = [
      [{ uniq_id: '' }, 'uniq_id', 'required'],
      [{ uniq_id: 'k'.repeat(201) }, 'uniq_id', 'range'],
      [{ date_time: '2024-02-30' }, 'date_time', 'range'],
      [{ city_id: '9223372036854775808' }, 'city_id', 'range'],
      [{ city_name: '' }, 'city_name', 'required'],
      [{ customer_id: '0x1' }, 'customer_id', 'type'],
      [{ item_name: 'a\0b' }, 'item_name', 'nul'],
      [{ quantity: '2.5' }, 'quantity', 'type'],
      [{ payment_amount: 'NaN' }, 'payment_amount', 'type'],
      [{ payment_amount: '12.345' }, 'payment_amount', 'rounding'],
      [{ status: '' }, 'status', 'required'],
      [{ status: 'lost' }, 'status', 'allowed'],
      [{ id: 'x' }, 'id', 'type'],
    ];
    const orders = bad.flatMap(([fault], n) => [
      { uniq_id: `good${n}`, first_name: '', last_name: '' },
      { uniq_id: `bad${n}`, ...fault },
    ]);
    const csv = ordersCsv(orders);
    const { rows, rejected, rowsRead, rowsRejected } = await checkCsv(ORDERS, csv);
    assert.deepEqual([rowsRead, rowsRejected, rows.length], [2 * bad.length, bad.length, bad.length]);
    const lines = csv.split('\n');
    assert.deepEqual(
      rejected.map(({ line, column, rule, raw }) => ({ line, column, rule, raw })),
      bad.map(([, column, rule], n) => ({
        line: 2 * n + 3,
        column,
        rule,
        // PostgreSQL cannot hold a NUL byte: its symbol stands for it.
        raw: lines[2 * n + 2]?.replace('\0', '␀'),
      })),
    );
    assert.deepEqual([rows[0]?.values['first_name'], rows[0]?.values['last_name']], [null, null]);
  });

  test('too few and too many fields, text behind a closing quote: each time', async () => {
    const csv = activityFile([
      '1,a,2024-02-25T00:00:00,0,891',
      `${activity(2, 'b')},`,
      '3',
      activity(4, '"c,c"'),
      `${activity(5, '"d"')},more`,
      ','.repeat(5_000),
      '6,"e"',
      '"1"x,a',
      '"1"x,a',
    ]);
    const { rows, rejected } = await checkCsv(ACTIVITY, csv);
    assert.deepEqual(
      rows.map(({ values }) => values['uniq_id']),
      ['c,c'],
    );
    const fields = (found: number) => `the row has ${found} field${found === 1 ? '' : 's'}; expected 6.`;
    assert.deepEqual(
      rejected.map(({ line, column, rule, reason }) => [line, column, rule, reason]),
      [
        ...[5, 7, 1].map((found, index) => [index + 2, null, 'fields', fields(found)]),
        ...[7, 5_001, 2].map((found, index) => [index + 6, null, 'fields', fields(found)]),
        ...[9, 10].map((line) => [line, null, 'quote', 'text follows a closing quote.']),
      ],
    );
  });

  test('a byte order mark inside the file is text, quoted or not', async () => {
    const { rows } = await checkCsv(PRICES, 'a,1\n\ufeffb,2\n\ufeff"c",3\nd,"4"\n');
    assert.deepEqual(
      rows.map(({ values }) => values['name']),
      ['a', '\ufeffb', '\ufeff"c"', 'd'],
    );
  });

  test('keys have a longest length that an index entry can hold', () => {
    for (const { name, key, columns } of FEEDS)
      for (const column of columns.filter((one) => key.includes(one.name) && one.type === 'text'))
        assert.ok(column.allowed ?? (column.maxLength ?? Infinity) * 3 < 2_704, `${name}.${column.name}`);
  });
});
