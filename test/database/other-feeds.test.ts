import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { FEEDS, ORDERS, type Column, type Feed } from '../../domain/feeds.ts';
import { createTestDatabase } from '../support/database.ts';
import { empty, lines, Loader } from './support.ts';

/** The feeds beside the orders, which end in staging: their rows are the newest file's, whatever came before. */
const OTHERS = FEEDS.filter(({ name }) => name !== ORDERS);

interface Row {
  key: number;
  id: number | null;
  value: number;
}

/** How a row is written, and what is asked of the rows that are staged: their keys and values. */
function tableOf({ name: table, hasHeader, columns, key: keys, newestBy }: Feed) {
  const plain = columns.filter(
    ({ name, type, allowed }) => type !== 'timestamp' && !allowed && name !== newestBy,
  );
  const key = plain.find(({ name }) => keys.includes(name))?.name ?? '';
  const value = plain.find(({ name }) => !keys.includes(name))?.name ?? '';
  const field = (row: Row, { name, type, allowed: [word] = [] }: Column) => {
    if (name === newestBy) return row.id ?? '';
    if (type === 'timestamp') return '2024-02-25T00:00:00';
    if (name === key) return row.key;
    return keys.includes(name) ? 1 : (word ?? row.value);
  };
  return {
    header: hasHeader ? `${columns.map(({ name }) => name).join(',')}\n` : '',
    write: (row: Row) => `${columns.map((column) => field(row, column)).join(',')}\n`,
    query: `select load_date, is_history, ${key}::numeric::integer, ${value}::numeric::integer from staging.${table}`,
  };
}

const row: fc.Arbitrary<Row> = fc.record({
  key: fc.integer({ min: 1, max: 4 }),
  id: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 4 }),
  value: fc.integer({ min: 1, max: 3 }),
});

const loads = fc.array(
  fc.record({
    loadDate: fc.constantFrom('2024-02-25', '2024-02-26'),
    isHistory: fc.boolean(),
    // A file without a header and without rows is an empty file, which is refused.
    rows: fc.array(row, { minLength: 1, maxLength: 8, size: 'max' }),
  }),
  { minLength: 1, maxLength: 6, size: 'max' },
);

/** Per key the row with the highest id, of equal ones the last; without ids, the last. */
function winners(rows: readonly Row[], hasId: boolean): Row[] {
  const rank = ({ id }: Row) => (hasId ? (id ?? 0) : 0);
  const best = new Map<number, Row>();
  for (const one of rows) {
    const former = best.get(one.key);
    if (!former || rank(one) >= rank(former)) best.set(one.key, one);
  }
  return [...best.values()];
}

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);

for (const feed of OTHERS) {
  const { name, newestBy } = feed;
  const { header, write, query } = tableOf(feed);
  test(`${name} holds what the newest file of each date says`, async () => {
    const property = fc.asyncProperty(loads, async (given) => {
      await empty(db.pool);
      const newest = new Map<string, string[]>();
      for (const { loadDate, isHistory, rows } of given) {
        const source = isHistory ? 'history' : 'increment';
        const staged = await loader.stage(loadDate, header + rows.map(write).join(''), {
          feed: name,
          source,
        });
        const kept = winners(rows, newestBy !== undefined);
        assert.equal(staged.counts.rows_kept, kept.length);
        newest.set(
          `${loadDate} ${source}`,
          kept.map(({ key, value }) => `${loadDate} | ${isHistory} | ${key} | ${value}`),
        );
      }
      assert.deepEqual((await lines(db.pool, query)).sort(), [...newest.values()].flat().sort());
    });
    await fc.assert(property, { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 10) });
  });
}
