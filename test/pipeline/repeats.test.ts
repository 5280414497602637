import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RepeatWindow, type Content } from '../../pipeline/validate/repeat-window.ts';
import { ACTIVITY, activity, activityFile, checkCsv, type GoodRow } from './support.ts';

/** The newest row of each key as staging's SQL picks it: `order by key, id desc nulls last, ordinal desc`. */
function winners(rows: readonly GoodRow[]): Record<string, unknown> {
  // `+3` and `007` are written in more than one way: compared as numbers.
  const idOf = ({ values: { id } }: GoodRow) => (typeof id === 'string' ? BigInt(id) : -(2n ** 64n));
  const newestLast = rows.toSorted((a, b) => {
    const [id, other] = [idOf(a), idOf(b)];
    return id === other ? a.ordinal - b.ordinal : id < other ? -1 : 1;
  });
  const entries = newestLast.map(
    (row) => [row.values['uniq_id'] ?? '', { ...row.values, id: idOf(row), ordinal: row.ordinal }] as const,
  );
  return Object.fromEntries<unknown>(entries);
}

describe('repeats', () => {
  test('are dropped before they are written, quoted or not, but counted', async () => {
    for (const quote of ['', '"']) {
      const lines = Array.from({ length: 1_000 }, (_, n) =>
        activity(n, `key${n % 7}`).replace(/[^,]+/g, `${quote}$&${quote}`),
      );
      const { rowsRead, rows } = await checkCsv(ACTIVITY, activityFile(lines));
      assert.deepEqual([rowsRead, rows.length], [1_000, 7]);
    }
  });

  test('leave the winners of a plain model, whatever the window, the chunks, the place of the id and quotes; a bad row is rejected each time', async () => {
    const badIds = ['1x', '9223372036854775808'];
    const id = fc.constantFrom(
      ...['', ' ', '1', '2', '007', '+3', '-5', ' 4', '-0', '0', '999999999999999', '1000000000000000'],
      ...['9007199254740992', '9007199254740993', '9223372036854775807', '-9223372036854775808'],
      ...badIds,
    );
    const row = fc.record({
      id,
      uniq_id: fc.constantFrom('a', 'b', 'ключ', '🍏', 'a\tb', '\\N'),
      date_time: fc.constant('2024-02-25T00:00:00'),
      action_id: fc.constantFrom('0', 'bad'),
      customer_id: fc.constant('1'),
      quantity: fc.constantFrom('1', '2'),
    });
    const quotes = fc.nat({ max: 3 });
    const columns = ['uniq_id', 'date_time', 'action_id', 'customer_id', 'quantity'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(row, quotes), { minLength: 1, maxLength: 40 }),
        fc.nat({ max: 5 }),
        fc.constantFrom(1, 600, 2_000, 1024 * 1024),
        fc.integer({ min: 1, max: 300 }),
        async (rows, idPosition, windowBytes, chunkBytes) => {
          const header = columns.toSpliced(idPosition, 0, 'id' as never) as (keyof (typeof rows)[0][0])[];
          const lines = rows.map(([values, quoted]) =>
            header.map((name, n) => (quoted & (1 << (n % 2)) ? `"${values[name]}"` : values[name])).join(','),
          );
          const csv = [header.join(','), ...lines].join('\n');
          const checked = await checkCsv(ACTIVITY, csv, { windowBytes, chunkBytes });
          const isBad = rows.map(([{ id, action_id }]) => action_id === 'bad' || badIds.includes(id));
          const good = rows.flatMap(([values], index) =>
            isBad[index] ? [] : [{ ordinal: index + 1, values: { ...values, id: values.id.trim() || null } }],
          );
          assert.deepEqual(winners(checked.rows), winners(good));
          assert.deepEqual(
            [checked.rowsRead, checked.rowsRejected],
            [rows.length, rows.length - good.length],
          );
          assert.deepEqual(
            checked.rejected.map(({ line, raw }) => [line, raw]),
            lines.flatMap((raw, index) => (isBad[index] ? [[index + 2, raw]] : [])),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});

const content = (text: string, id: number): Content => ({ text, id });

describe('the window', () => {
  test('takes no more rows once it is full, and forgets those it has handed out', () => {
    const window = new RepeatWindow(1_000);
    assert.equal(window.add(content('a', 1), 1, 'x'.repeat(100)), true);
    assert.equal(window.isFull, false);
    assert.equal(window.add(content('b', 2), 2, 'x'.repeat(300)), false);
    assert.equal(window.isFull, true);
    assert.deepEqual([window.repeats(content('a', 3), 3), window.repeats(content('b', 4), 4)], [true, false]);
    assert.deepEqual(
      [...window.drain()].map(({ id, ordinal }) => [id, ordinal]),
      [[3, 3]],
    );
    assert.equal(window.isFull, false);
    assert.equal(window.repeats(content('a', 5), 5), false);
    assert.deepEqual([...window.drain()], []);
  });

  test('tells thousands of contents apart, with the newest id and position of each and rows of any length, again and again', () => {
    const window = new RepeatWindow();
    const count = 20_000;
    const long = ['', 'ё', '😀'.repeat(400_000), 'x'.repeat(1_048_576), 'ключ\t1', '\\N'];
    const rows = Array.from({ length: count }, (_, index) => long[index] ?? `row ${index}`);
    for (let round = 0; round < 2; round += 1) {
      for (const [index, row] of rows.entries()) {
        assert.equal(window.repeats(content(`content ${index}`, index), index), false);
        assert.equal(window.add(content(`content ${index}`, index), index, row), true);
      }
      for (let index = 0; index < count; index += 1) {
        const later = content(`content ${index}`, index + (index % 2 ? 1 : -1));
        assert.equal(window.repeats(later, count + index), true);
      }
      const drained = [...window.drain()].map(({ id, ordinal, row }) => [id, ordinal, row.toString()]);
      assert.deepEqual(
        drained,
        rows.map((row, index) => (index % 2 ? [index + 1, count + index, row] : [index, index, row])),
      );
    }
  });

  test('gives back rows of any length, again and again', () => {
    const window = new RepeatWindow();
    const rows = [
      '',
      'ё',
      '😀'.repeat(400_000),
      'x'.repeat(1_048_576),
      'ключ\t1',
      'я'.repeat(300_000),
      '\\N',
    ];
    for (let round = 0; round < 3; round += 1) {
      for (const [index, row] of rows.entries()) window.add(content(`content ${index}`, index), index, row);
      assert.deepEqual(
        [...window.drain()].map(({ row }) => row.toString()),
        rows,
      );
    }
  });
});
