import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { from as copyFrom } from 'pg-copy-streams';
import { checkColumn } from '../../pipeline/validate/column-rules.ts';
import type { ColumnType } from '../../domain/feeds.ts';
import { copyLine } from '../../pipeline/validate/copy-text.ts';
import { createTestDatabase } from '../support/database.ts';
import { ORDERS, checkCsv, type GoodRow, feedOf } from './support.ts';

/** What the checks let in, PostgreSQL takes as well, and as the same value. */

const database = await createTestDatabase();
const client = await database.pool.connect();
after(async () => {
  client.release();
  await database.drop();
});

const digits = (maxLength: number) => fc.stringMatching(new RegExp(`^\\d{0,${maxLength}}$`));
const spaces = fc.constantFrom('', '', '', ' ', '   ');
const sign = fc.constantFrom('', '', '-', '+');
const twoDigits = fc.integer({ min: 0, max: 61 }).map((n) => String(n).padStart(2, '0'));
/** Text of no kind, and pieces that number and time parsers know. */
const junk = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 2 }),
    fc.constantFrom(...'NaN infinity now BC Z +03 e E5 _ 0x . - ٣'.split(' '), ' ', '\t', '\u00a0'),
    digits(4),
  ),
  { maxLength: 5 },
);

const candidates: Record<Exclude<ColumnType, 'text'>, fc.Arbitrary<string>> = {
  bigint: fc.oneof(
    fc.tuple(spaces, sign, digits(20), spaces).map((parts) => parts.join('')),
    fc.bigInt({ min: -(2n ** 63n) - 2n, max: 2n ** 63n + 2n }).map(String),
    fc.constantFrom(2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n).map(String),
  ),
  money: fc
    .tuple(
      spaces,
      sign,
      digits(18),
      fc.constantFrom('', '.'),
      fc.oneof(
        digits(3),
        digits(60).map((zeros) => zeros.replace(/\d/g, '0')),
      ),
      fc.oneof(
        fc.constant(''),
        fc.integer({ min: -20, max: 20 }).map((n) => `e${n}`),
        fc.constant('E+999'),
        fc.constant('e-999'),
      ),
      spaces,
    )
    .map((parts) => parts.join('')),
  timestamp: fc
    .tuple(
      spaces,
      fc.integer({ min: 0, max: 10_000 }).map((n) => String(n).padStart(4, '0')),
      fc.integer({ min: 0, max: 13 }).map((n) => `-${String(n).padStart(2, '0')}`),
      fc.integer({ min: 0, max: 32 }).map((n) => `-${String(n).padStart(2, '0')}`),
      fc.oneof(
        fc.constant(''),
        fc
          .tuple(fc.constantFrom('T', ' '), twoDigits, fc.constant(':'), twoDigits)
          .map((parts) => parts.join('')),
      ),
      fc.oneof(
        fc.constant(''),
        twoDigits.map((seconds) => `:${seconds}`),
        fc.tuple(twoDigits, digits(9)).map(([seconds, fraction]) => `:${seconds}.${fraction}`),
        fc.tuple(twoDigits, digits(6), fc.nat({ max: 60 })).map(([s, f, n]) => `:${s}.${f}${'0'.repeat(n)}`),
      ),
      fc.constantFrom('', '', '', 'Z', '+03', ' BC'),
      spaces,
    )
    .map((parts) => parts.join('')),
};

/** A value as its type means it, computed without PostgreSQL. */
const meaning: Record<Exclude<ColumnType, 'text'>, (value: string) => string> = {
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

const SQL: Record<ColumnType, { type: string; shown: (value: string) => string }> = {
  text: { type: 'text', shown: (value) => value },
  bigint: { type: 'bigint', shown: (value) => `${value}::bigint::text` },
  money: { type: 'numeric(18,2)', shown: (value) => `${value}::numeric(18,2)::text` },
  timestamp: {
    type: 'timestamp',
    shown: (value) => `to_char(${value}::timestamp, 'YYYY-MM-DD HH24:MI:SS.US')`,
  },
};

describe('a value that passes its check', () => {
  for (const type of ['bigint', 'money', 'timestamp'] as const) {
    for (const dateStyle of type === 'timestamp' ? ['ISO, MDY', 'German', 'SQL, DMY'] : ['ISO, MDY']) {
      test(`is a ${SQL[type].type} to PostgreSQL, and the same one (${dateStyle})`, async () => {
        await client.query(`select set_config('datestyle', $1, false)`, [dateStyle]);
        const value = fc.oneof(
          { weight: 4, arbitrary: candidates[type] },
          { weight: 1, arbitrary: junk.map((p) => p.join('')) },
        );
        let passed = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(value, { minLength: 200, maxLength: 400 }), async (values) => {
            const good = values.filter((text) => !checkColumn({ name: 'column', type }, text));
            passed += good.length;
            const refused = await client.query<{ value: string }>(
              'select value from unnest($1::text[]) as value where not pg_input_is_valid(value, $2)',
              [good, SQL[type].type],
            );
            assert.deepEqual(refused.rows, []);
            const { rows } = await client.query<{ shown: string }>(
              `select ${SQL[type].shown('value')} as shown from unnest($1::text[]) with ordinality as _(value, n) order by n`,
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
        assert.ok(passed > 100, `only ${passed} values passed: the test has lost its subject`);
      });
    }
  }
});

describe('COPY', () => {
  test('gives back any text that the format was made of', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.replaceAll('\0', ''));
    const special = fc
      .array(fc.constantFrom('\\', 'N', '\t', '\n', '\r', '.', '\b', '\v', 'x', '"', ',', '😀', 'Ё'), {
        maxLength: 6,
      })
      .map((parts) => parts.join(''));
    await client.query('create temporary table texts (n integer, a text, b text)');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.oneof(text, special), fc.option(fc.oneof(text, special))), { minLength: 1 }),
        async (values) => {
          await client.query('truncate texts');
          await copy(
            'copy texts from stdin',
            values.map(([a, b], n) => copyLine([String(n), a, b])).join(''),
          );
          const { rows } = await client.query<{ a: string; b: string | null }>(
            'select a, b from texts order by n',
          );
          assert.deepEqual(
            rows.map(({ a, b }) => [a, b]),
            values,
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  test('takes every row that passed, with the values of the file, and every rejected row', async () => {
    const pieces = ['Ё', 'a', ' ', '"', ',', '\n', '\r\n', '\t', '\\', '\\N', '😀', '\u0001', "'"];
    const words = fc.oneof(
      {
        weight: 20,
        arbitrary: fc
          .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 })
          .map((p) => p.join('')),
      },
      fc.constantFrom('', 'a\0b'),
    );
    const scalar = (type: Exclude<ColumnType, 'text'>) =>
      fc.oneof({ weight: 20, arbitrary: fc.constant(FINE[type]) }, candidates[type]);
    const feed = feedOf(ORDERS);
    const names = feed.columns.map((column) => column.name);
    const row = fc.tuple(
      ...feed.columns.map((column) => {
        if (column.allowed)
          return fc.constantFrom(...Array<string>(9).fill('refunded'), 'shipped', '', 'lost');
        return column.type === 'text' ? words : scalar(column.type);
      }),
    );
    const shown = feed.columns.map(({ name, type }) => `${SQL[type].shown(name)} as ${name}`);
    const inFile = ['id', ...names.filter((column) => column !== 'id')];
    await client.query(
      `create temporary table incoming as select null::bigint as ordinal, ${names.join(', ')} from staging.user_order_log with no data`,
    );
    let copied = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), async (values) => {
        const csv = [names, ...values].map((fields) => fields.map(quoted).join(',')).join('\r\n');
        const { rows, rejected } = await checkCsv(ORDERS, csv, { chunkBytes: 97, windowBytes: 1 });
        await client.query('truncate incoming; delete from staging.rejected_row');
        copied += rows.length;
        await copy(
          `copy incoming (ordinal, ${inFile.join(', ')}) from stdin`,
          rows.map((row) => line(inFile, row)).join(''),
        );
        const { rows: loaded } = await client.query<Record<string, string | null>>(
          `select ordinal, ${shown.join(', ')} from incoming order by ordinal`,
        );
        const byOrdinal = rows.toSorted((a, b) => a.ordinal - b.ordinal);
        assert.deepEqual(
          loaded.map(({ ordinal }) => Number(ordinal)),
          byOrdinal.map(({ ordinal }) => ordinal),
        );
        for (const [index, { ordinal }] of byOrdinal.entries()) {
          for (const [at, column] of feed.columns.entries()) {
            const delivered = values[ordinal - 1]?.[at] ?? '';
            const isNull = column.type === 'text' ? delivered === '' : delivered.trim() === '';
            const expected = isNull
              ? null
              : column.type === 'text'
                ? delivered
                : meaning[column.type](delivered);
            assert.equal(loaded[index]?.[column.name], expected);
          }
        }
        assert.equal(rejected.length + rows.length, values.length);
        const rejectedColumns = 'load_date, file, line, column_name, rule, reason, raw';
        await copy(
          `copy staging.rejected_row (${rejectedColumns}) from stdin`,
          rejected
            .map((r) => copyLine(['2024-02-25', ORDERS, String(r.line), r.column, r.rule, r.reason, r.raw]))
            .join(''),
        );
      }),
      { numRuns: 60 },
    );
    assert.ok(copied > 100, `only ${copied} rows were copied`);
  });
});

const FINE = { bigint: '7', money: '-12.50', timestamp: '2024-02-25T00:00:00' };

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function line(columns: readonly string[], { ordinal, values }: GoodRow): string {
  return copyLine([String(ordinal), ...columns.map((column) => values[column] ?? null)]);
}

async function copy(statement: string, text: string): Promise<void> {
  await pipeline(Readable.from([Buffer.from(text)]), client.query(copyFrom(statement)));
}
