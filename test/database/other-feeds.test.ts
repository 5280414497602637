import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FEEDS, ORDERS, type Column, type Feed, type Source } from '../../domain/feeds.ts';
import { createTestDatabase } from '../support/database.ts';
import { lines, Loader } from './support.ts';

/** The feeds beside the orders, which end in staging: their rows are the newest file's, whatever came before. */
const OTHERS = FEEDS.filter(({ name }) => name !== ORDERS);

interface Row {
  key: number;
  id?: number;
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

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);

for (const feed of OTHERS) {
  const { name, newestBy } = feed;
  const { header, write, query } = tableOf(feed);
  test(`${name} holds what the newest file of each date says, of each key the newest row`, async () => {
    const stage = async (loadDate: string, rows: Row[], source: Source = 'increment') =>
      await loader.stage(loadDate, header + rows.map(write).join(''), { feed: name, source });
    const assertStaged = async (...rows: string[]) => {
      assert.deepEqual((await lines(db.pool, query)).sort(), rows.sort());
    };
    const [one, two] = ['2024-02-25 | false', '2024-02-26 | false'];
    await stage('2024-02-25', [
      ...[
        { key: 1, id: 2, value: 1 },
        { key: 1, id: 1, value: 2 },
      ], // the highest id, or the last
      ...[
        { key: 2, value: 2 },
        { key: 2, value: 1 },
      ],
      ...[
        { key: 3, id: 1, value: 1 },
        { key: 3, value: newestBy ? 2 : 1 },
      ],
    ]);
    await stage('2024-02-26', [{ key: 1, value: 3 }]);
    const first = newestBy ? 1 : 2;
    await assertStaged(`${one} | 1 | ${first}`, `${one} | 2 | 1`, `${one} | 3 | 1`, `${two} | 1 | 3`);
    await stage('2024-02-25', [{ key: 1, value: 5 }], 'history');
    await stage('2024-02-25', [
      { key: 2, value: 4 },
      { key: 4, value: 1 },
    ]);
    const history = '2024-02-25 | true | 1 | 5';
    await assertStaged(history, `${one} | 2 | 4`, `${one} | 4 | 1`, `${two} | 1 | 3`);
  });
}
