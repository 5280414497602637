import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { from as copyFrom } from 'pg-copy-streams';
import { checkColumn } from '../../pipeline/validate/column-rules.ts';
import type { ColumnType } from '../../domain/feeds.ts';
import { copyLine } from '../../pipeline/validate/copy-text.ts';
import { createTestDatabase } from '../support/database.ts';
import { checkCsv, feedOf, LOAD_DATE, ORDERS } from './support.ts';

/** What the checks let in, PostgreSQL takes as well, and as the same value. */

const database = await createTestDatabase();
const client = await database.pool.connect();
after(async () => {
  client.release();
  await database.drop();
});

type Scalar = Exclude<ColumnType, 'text'>;

/** Values that are fine, and many that are not. */
const candidates: Record<Scalar, fc.Arbitrary<string>> = {
  bigint: fc.oneof(
    fc.stringMatching(/^ {0,2}[-+]?\d{0,20} {0,2}$/),
    fc.constantFrom(2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n).map(String),
  ),
  money: fc.stringMatching(/^ {0,2}[-+]?\d{0,18}\.?(\d{0,3}|0{0,60})(e-?[01]?\d|E\+999|e-999)? {0,2}$/),
  timestamp: fc.stringMatching(
    /^ ?\d{4}-[01]\d-[0-3]\d([T ][0-2]\d:[0-6]\d(:[0-6]\d(\.\d{0,6}(\d{3}|0{0,60}))?)?)?(Z|\+03| BC)? ?$/,
  ),
};
/** Text of no kind, and pieces that number and time parsers know. */
const junk = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.stringMatching(/^(\d{0,4}|NaN|infinity|now|BC|Z|\+03|e|E5|_|0x|\.|-|٣|[ \t\u00a0]){0,5}$/),
);

/** A value as its type means it, computed without PostgreSQL. */
const meaning: Record<Scalar, (value: string) => string> = {
  bigint: (value) => BigInt(value.trim().replace(/^\+/, '')).toString(),
  money: (value) => {
    const [, minus = '', whole = '', fraction = '', exponent = '0'] =
      /^\s*([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?\s*$/i.exec(value) ?? [];
    // In hundredths; what lies beyond them is nothing but zeros.
    const places = 2 - fraction.length + Number(exponent);
    const hundredths = BigInt(whole + fraction) === 0n ? 0n : shifted(BigInt(whole + fraction), places);
    const text = hundredths.toString().padStart(3, '0');
    return `${minus === '-' && hundredths !== 0n ? '-' : ''}${text.slice(0, -2)}.${text.slice(-2)}`;
  },
  timestamp: (value) => {
    const [date = '', time = ''] = value.trim().split(/[T ]/);
    const [hms = '', fraction = ''] = time.split('.');
    return `${date} ${hms}${'00:00:00'.slice(hms.length)}.${fraction.slice(0, 6).padEnd(6, '0')}`;
  },
};

function shifted(number: bigint, places: number): bigint {
  if (places >= 0) return number * 10n ** BigInt(places);
  const unit = 10n ** BigInt(-places);
  assert.equal(number % unit, 0n, 'a digit was lost');
  return number / unit;
}

const SQL = { text: 'text', bigint: 'bigint', money: 'numeric(18,2)', timestamp: 'timestamp' } as const;

function shown(type: ColumnType, value: string): string {
  const typed = `${value}::${SQL[type]}`;
  return type === 'timestamp' ? `to_char(${typed}, 'YYYY-MM-DD HH24:MI:SS.US')` : `${typed}::text`;
}

for (const [type, dateStyle] of [
  ['bigint', 'ISO, MDY'],
  ['money', 'ISO, MDY'],
  ...['ISO, MDY', 'German', 'SQL, DMY'].map((style) => ['timestamp', style] as const),
] as const)
  test(`a ${type} that passes its check is the same one to PostgreSQL (${dateStyle})`, async () => {
    await client.query(`select set_config('datestyle', $1, false)`, [dateStyle]);
    const value = fc.oneof({ weight: 4, arbitrary: candidates[type] }, { weight: 1, arbitrary: junk });
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 200, maxLength: 400 }), async (values) => {
        const good = values.filter((text) => !checkColumn({ name: 'column', type }, text));
        passed += good.length;
        const refused = await client.query(
          'select value from unnest($1::text[]) as value where not pg_input_is_valid(value, $2)',
          [good, SQL[type]],
        );
        assert.deepEqual(refused.rows, []);
        const { rows } = await client.query<{ shown: string }>(
          `select ${shown(type, 'value')} as shown from unnest($1::text[]) with ordinality as _(value, n) order by n`,
          [good],
        );
        assert.deepEqual(
          rows.map(({ shown }) => shown),
          good.map((text) => meaning[type](text)),
        );
      }),
      { numRuns: 15 },
    );
    await client.query('reset datestyle');
    assert.ok(passed > 500, `only ${passed} values passed: the test has lost its subject`);
  });

const FINE = { bigint: '7', money: '-12.50', timestamp: '2024-02-25T00:00:00' };

test('COPY takes every row that passed, with the values of the file, and every rejected row', async () => {
  const pieces = ['Ё', 'a', ' ', '"', ',', '\n', '\r', '\t', '\\', '\\N', '\\.', '\b', '\v', '😀', "'"];
  const words = fc.oneof(
    { weight: 20, arbitrary: fc.string({ unit: fc.constantFrom(...pieces), minLength: 1, maxLength: 8 }) },
    { weight: 9, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
    fc.constantFrom('', 'a\0b'),
  );
  const { columns } = feedOf(ORDERS);
  const row = fc.tuple(
    ...columns.map(({ type, allowed }) => {
      if (allowed) return fc.constantFrom(...Array<string>(9).fill('refunded'), 'shipped', '', 'lost');
      if (type === 'text') return words;
      return fc.oneof({ weight: 20, arbitrary: fc.constant(FINE[type]) }, candidates[type]);
    }),
  );
  const names = columns.map((column) => column.name);
  const values = columns.map(({ name, type }) => `${shown(type, name)} as ${name}`);
  await client.query(
    `create temporary table incoming as select null::bigint as ordinal, ${names.join(', ')} from staging.user_order_log with no data`,
  );
  let copied = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), async (delivered) => {
      const csv = [names, ...delivered].map((fields) => fields.map(quoted).join(',')).join('\r\n');
      const { rows, rejected } = await checkCsv(ORDERS, csv, { chunkBytes: 97, windowBytes: 1 });
      await client.query('truncate incoming; delete from staging.rejected_row');
      copied += rows.length;
      await copy(
        `incoming (ordinal, ${names.join(', ')})`,
        rows.map(({ ordinal, values }) => [String(ordinal), ...names.map((name) => values[name] ?? null)]),
      );
      const { rows: loaded } = await client.query<Record<string, string | null>>(
        `select ordinal, ${values.join(', ')} from incoming order by ordinal`,
      );
      assert.deepEqual(
        loaded,
        rows.map(({ ordinal }) => {
          const expected = columns.map(({ name, type }, at) => {
            const value = delivered[ordinal - 1]?.[at] ?? '';
            if (type === 'text') return [name, value || null];
            return [name, value.trim() === '' ? null : meaning[type](value)];
          });
          return { ordinal: String(ordinal), ...(Object.fromEntries(expected) as object) };
        }),
      );
      assert.equal(rejected.length + rows.length, delivered.length);
      await copy(
        'staging.rejected_row (load_date, file, line, column_name, rule, reason, raw)',
        rejected.map(({ line, column, rule, reason, raw }) => [
          ...[LOAD_DATE, ORDERS, String(line), column, rule, reason, raw],
        ]),
      );
    }),
    { numRuns: 60 },
  );
  assert.ok(copied > 100, `only ${copied} rows were copied`);
});

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

async function copy(into: string, rows: (string | null)[][]): Promise<void> {
  const text = Buffer.from(rows.map(copyLine).join(''));
  await pipeline(Readable.from([text]), client.query(copyFrom(`copy ${into} from stdin`)));
}
