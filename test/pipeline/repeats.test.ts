import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RepeatWindow, type Content } from '../../pipeline/validate/repeat-window.ts';
import { ACTIVITY, activity, activityFile, checkCsv, type GoodRow, feedOf } from './support.ts';

/** The winners as staging's SQL picks them: `distinct on (key) … order by key, id desc nulls last, ordinal desc`. */
function winners(file: string, rows: readonly GoodRow[]): Record<string, GoodRow> {
  const feed = feedOf(file);
  const best: Record<string, GoodRow> = {};
  for (const row of rows) {
    const key = JSON.stringify(feed.key.map((name) => row.values[name]));
    const kept = best[key];
    if (!kept || isNewer(row, kept)) best[key] = row;
  }
  return best;
}

function isNewer(row: GoodRow, kept: GoodRow): boolean {
  const [id, keptId] = [row.values['id'] ?? null, kept.values['id'] ?? null];
  if (id !== null && keptId !== null && BigInt(id) !== BigInt(keptId)) return BigInt(id) > BigInt(keptId);
  if ((id === null) !== (keptId === null)) return keptId === null;
  return row.ordinal > kept.ordinal;
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

  test('of a bad row are rejected one by one, each with its own line', async () => {
    const bad = [
      activity(1, 'a', 'x'),
      activity(2, 'a', 'x'),
      activity(2, '"a"', 'x'),
      '"1"x,a',
      '"1"x,a',
      activity('', '', 1),
    ];
    const { rejected, rowsRejected, rowsRead, rows } = await checkCsv(
      ACTIVITY,
      activityFile([...bad, activity(1, 'b'), ...bad, activity(2, 'b')]),
    );
    assert.deepEqual([rowsRejected, rowsRead, rows.length], [12, 14, 1]);
    assert.deepEqual(
      rejected.map(({ line }) => line),
      [2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14],
    );
    assert.deepEqual(
      rejected.slice(0, 6).map(({ raw }) => raw),
      bad,
    );
  });

  test('of a good row with a bad id are bad', async () => {
    const rows = [
      activity(1, 'a'),
      activity('1x', 'a'),
      activity('9223372036854775808', 'a'),
      activity('"2"', 'a'),
    ];
    const { rejected, rows: good } = await checkCsv(ACTIVITY, activityFile(rows));
    assert.deepEqual(
      rejected.map(({ line }) => line),
      [3, 4],
    );
    assert.deepEqual(
      good.map(({ values }) => values['id']),
      ['2'],
    );
  });

  test('give the same winners as a plain model, for any window and chunk size, id position and quoting', async () => {
    const id = fc.constantFrom(
      ...['', ' ', '1', '2', '007', '+3', '-5', ' 4', '-0', '0', '999999999999999', '1000000000000000'],
      ...['9007199254740992', '9007199254740993', '9223372036854775807', '-9223372036854775808'],
    );
    const key = fc.constantFrom('a', 'b', 'ключ', '🍏', 'a\tb', '\\N');
    const row = fc.record({
      id,
      uniq_id: key,
      date_time: fc.constant('2024-02-25T00:00:00'),
      action_id: fc.constantFrom('0', 'bad'),
      customer_id: fc.constant('1'),
      quantity: fc.constantFrom('1', '2'),
      quoted: fc.nat({ max: 3 }),
    });
    const columns = ['uniq_id', 'date_time', 'action_id', 'customer_id', 'quantity'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.nat({ max: 5 }),
        fc.constantFrom(1, 600, 2_000, 1024 * 1024),
        fc.integer({ min: 1, max: 300 }),
        async (rows, idPosition, windowBytes, chunkBytes) => {
          const header = columns.toSpliced(idPosition, 0, 'id' as never) as (keyof (typeof rows)[0])[];
          const lines = rows.map((values) =>
            header
              .map((name, n) => (values.quoted & (1 << (n % 2)) ? `"${values[name]}"` : values[name]))
              .join(','),
          );
          const csv = [header.join(','), ...lines].join('\n');
          const checked = await checkCsv(ACTIVITY, csv, { windowBytes, chunkBytes });
          const good = rows.flatMap(({ id, uniq_id, date_time, action_id, customer_id, quantity }, index) => {
            const values = { id: id.trim() || null, uniq_id, date_time, action_id, customer_id, quantity };
            return action_id === 'bad' ? [] : [{ ordinal: index + 1, values }];
          });
          const expected = Object.fromEntries(Object.entries(winners(ACTIVITY, good)).map(exactId));
          assert.deepEqual(
            Object.fromEntries(Object.entries(winners(ACTIVITY, checked.rows)).map(exactId)),
            expected,
          );
          assert.equal(checked.rowsRead, rows.length);
          assert.equal(checked.rowsRejected, rows.length - good.length);
          assert.deepEqual(
            checked.rejected.map(({ line, raw }) => [line, raw]),
            lines.flatMap((raw, index) => (rows[index]?.action_id === 'bad' ? [[index + 2, raw]] : [])),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** `+3` and `007` are written in more than one way: compared as numbers. */
function exactId([key, row]: [string, GoodRow]): [string, GoodRow] {
  const id = row.values['id'];
  return [
    key,
    { ...row, values: { ...row.values, id: typeof id === 'string' ? BigInt(id).toString() : null } },
  ];
}

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

  test('tells thousands of contents apart, with the newest id and position of each', () => {
    const window = new RepeatWindow();
    const count = 20_000;
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < count; index += 1) {
        assert.equal(window.repeats(content(`content ${index}`, index), index), false);
        assert.equal(window.add(content(`content ${index}`, index), index, `row ${index}`), true);
      }
      for (let index = 0; index < count; index += 1) {
        const later = content(`content ${index}`, index + (index % 2 ? 1 : -1));
        assert.equal(window.repeats(later, count + index), true);
      }
      const drained = [...window.drain()];
      assert.equal(drained.length, count);
      for (const [index, { id, ordinal, row }] of drained.entries()) {
        const newer = index % 2 === 1;
        assert.deepEqual(
          [id, ordinal, row.toString()],
          [newer ? index + 1 : index, newer ? count + index : index, `row ${index}`],
        );
      }
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
