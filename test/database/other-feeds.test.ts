import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { createTestDatabase } from '../support/database.ts';
import { empty, lines, Loader } from './support.ts';

/** The three feeds beside the orders, which end in staging: their rows are the newest file's, whatever came before. */
interface Row {
  key: number;
  id: number | null;
  value: number;
}

interface Feed {
  name: string;
  header: string;
  write: (row: Row) => string;
  /** Key and value of what is staged. */
  query: string;
  hasId: boolean;
}

const FEEDS: Feed[] = [
  {
    name: 'user_activity_log',
    header: 'id,uniq_id,date_time,action_id,customer_id,quantity\n',
    write: ({ key, id, value }) => `${id ?? ''},${key},2024-02-25T00:00:00,1,1,${value}\n`,
    query: 'select load_date, is_history, uniq_id, quantity from staging.user_activity_log',
    hasId: true,
  },
  {
    name: 'customer_research',
    header: 'date_id,category_id,geo_id,sales_qty,sales_amt\n',
    write: ({ key, value }) => `2024-02-25T00:00:00,${key},1,${value},${value}\n`,
    query: 'select load_date, is_history, category_id, sales_qty from staging.customer_research',
    hasId: false,
  },
  {
    name: 'price_log',
    header: '',
    write: ({ key, value }) => `${key},${value}\n`,
    query: 'select load_date, is_history, name, price::integer from staging.price_log',
    hasId: false,
  },
];

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

for (const { name, header, write, query, hasId } of FEEDS) {
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
        const kept = winners(rows, hasId);
        assert.equal(staged.counts.rows_kept, kept.length);
        newest.set(
          `${loadDate} ${source}`,
          kept.map(({ key, value }) => `${loadDate} | ${isHistory} | ${key} | ${value}`),
        );
      }
      assert.deepEqual((await lines(db.pool, query)).sort(), [...newest.values()].flat().sort());
    });
    await fc.assert(property, { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 50) });
  });
}
