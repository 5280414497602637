import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hashOf, RepeatWindow, type Content } from '../../pipeline/validate/repeat-window.ts';
import {
  ACTIVITY,
  activity,
  activityFile,
  type MoreOptions,
  checkCsv,
  PRICES,
  type GoodRow,
  feedOf,
} from './support.ts';

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

async function winner(rows: readonly string[], more: MoreOptions = {}) {
  const checked = await checkCsv(ACTIVITY, activityFile(rows), more);
  const [only, ...others] = Object.values(winners(ACTIVITY, checked.rows));
  assert.ok(only && others.length === 0);
  return { id: only.values['id'], quantity: only.values['quantity'], ordinal: only.ordinal };
}

describe('of rows with one key', () => {
  for (const windowBytes of [1, 64 * 1024 * 1024]) {
    const more = { windowBytes, chunkBytes: 64 };
    describe(`with a window of ${windowBytes} bytes`, () => {
      test('the highest id wins, also when it comes first', async () => {
        const rows = [activity(9, 'a', 1), activity(10, 'a', 2), activity(8, 'a', 3)];
        assert.deepEqual(await winner(rows, more), { id: '10', quantity: '2', ordinal: 2 });
        assert.deepEqual(await winner(rows.toReversed(), more), { id: '10', quantity: '2', ordinal: 2 });
      });

      test('with equal ids or none the last in the file wins, also when it repeats the first', async () => {
        for (const id of [5, '']) {
          const rows = [activity(id, 'a', 1), activity(id, 'a', 2), activity(id, 'a', 1)];
          assert.deepEqual(await winner(rows, more), {
            id: id === '' ? null : '5',
            quantity: '1',
            ordinal: 3,
          });
        }
      });

      test('any id is newer than none', async () => {
        const rows = [activity('-7', 'a', 1), activity('', 'a', 2)];
        assert.deepEqual(await winner(rows, more), { id: '-7', quantity: '1', ordinal: 1 });
        assert.deepEqual(await winner(rows.toReversed(), more), { id: '-7', quantity: '1', ordinal: 2 });
      });

      test('equal repeats keep the highest id', async () => {
        const rows = [3, 7, 5].map((id) => activity(id, 'a'));
        assert.deepEqual(await winner(rows, more), { id: '7', quantity: '1', ordinal: 2 });
      });

      test('ids beyond 2^53 and negative ones are compared exactly', async () => {
        const big = ['9007199254740993', '9007199254740992', '9223372036854775807', '9223372036854775806'];
        assert.equal(
          (
            await winner(
              big.map((id) => activity(id, 'a')),
              more,
            )
          ).id,
          '9223372036854775807',
        );
        assert.equal(
          (
            await winner(
              big.slice(0, 2).map((id, n) => activity(id, 'a', n)),
              more,
            )
          ).quantity,
          '0',
        );
        assert.equal(
          (
            await winner(
              ['-5', '-3', '-4'].map((id, n) => activity(id, 'a', n)),
              more,
            )
          ).id,
          '-3',
        );
        assert.equal(
          (
            await winner(
              ['-5', '-3', '-4'].map((id) => activity(id, 'a')),
              more,
            )
          ).id,
          '-3',
        );
      });

      test('quoted and unquoted forms are one row', async () => {
        const rows = [activity(1, 'a'), activity(3, '"a"'), '"2","a","2024-02-25T00:00:00","0","891","1"'];
        assert.deepEqual(await winner(rows, more), { id: '3', quantity: '1', ordinal: 2 });
      });
    });
  }
});

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

  test('without an id column the last of equal keys wins', async () => {
    for (const windowBytes of [1, 1024 * 1024]) {
      const { rows, rowsRead } = await checkCsv(PRICES, 'a,1\nb,5\na,2\n"a",3\na,1\n', {
        windowBytes,
        chunkBytes: 3,
      });
      const best = Object.values(winners(PRICES, rows)).map(({ values }) => values);
      assert.equal(rowsRead, 5);
      assert.deepEqual(
        new Set(best.map((v) => `${v['name'] ?? ''}=${v['price'] ?? ''}`)),
        new Set(['a=1', 'b=5']),
      );
    }
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

function content(text: string, id: number): Content {
  // With something around it that does not count.
  const data = Buffer.from(`(${text})`);
  return { data, start: 1, end: data.length - 1, id };
}

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

  test('remembers only the first of two contents with one hash', () => {
    const [first, second] = sameHash();
    const window = new RepeatWindow();
    assert.equal(window.add(content(first, 1), 1, 'first'), true);
    assert.equal(window.repeats(content(second, 9), 2), false);
    assert.equal(window.add(content(second, 9), 2, 'second'), false);
    assert.equal(window.isFull, false);
    assert.deepEqual(
      [...window.drain()].map(({ id, row }) => [id, row.toString()]),
      [[1, 'first']],
    );
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

/** Found after some hundred thousand texts. */
function sameHash(): [string, string] {
  const seen = new Map<number, string>();
  for (let n = 0; ; n += 1) {
    const text = `text ${n}`;
    const hash = hashOf(content(text, 0));
    const former = seen.get(hash);
    if (former !== undefined) return [former, text];
    seen.set(hash, text);
  }
}
