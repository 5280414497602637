import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { SchemaObject } from '../../database/comments.ts';
import { migrate } from '../../database/migrate.ts';
import { sql } from '../../database/sql.ts';
import { createTestDatabase } from '../support/database.ts';
import { lines } from './support.ts';

const db = await createTestDatabase();
after(() => db.drop());

const ROWS = `select ctid, xmin, objoid, objsubid from pg_description
  where description <> '' and objoid in (
    select oid from pg_class where relnamespace in ('staging'::regnamespace, 'mart'::regnamespace)
    union all select oid from pg_proc where pronamespace in ('staging'::regnamespace, 'mart'::regnamespace)
    union all values ('staging'::regnamespace::oid), ('mart'::regnamespace::oid))
  order by objoid, objsubid`;

async function objects(): Promise<SchemaObject[]> {
  return (await db.pool.query<SchemaObject>(sql('objects'))).rows;
}

test('every schema, table, view, column, sequence and function has a comment', async () => {
  const all = await objects();
  const kinds = new Set(all.map(({ kind }) => kind));
  assert.deepEqual([...kinds].sort(), ['column', 'function', 'schema', 'sequence', 'table', 'view']);
  assert.deepEqual(
    all.filter(({ comment }) => comment === null).map(({ kind, name }) => `${kind} ${name}`),
    [],
    'write what it means into sql/comments/',
  );
});

test('a repeated migrate writes no comment; one that was changed or lost by hand comes back', async () => {
  const [before, rows] = [await objects(), await lines(db.pool, ROWS)];
  await migrate(db.pool);
  assert.deepEqual(await lines(db.pool, ROWS), rows);
  await db.pool.query(`
    comment on table mart.f_sales is 'x';
    comment on column staging.incoming_price_log.price is 'x';
    comment on function mart.has_facts(integer) is null;
    comment on view mart.f_customer_retention_by_item is null`);
  assert.notDeepEqual(await objects(), before);
  await migrate(db.pool);
  assert.deepEqual(await objects(), before);
  assert.equal((await lines(db.pool, ROWS)).filter((row) => !rows.includes(row)).length, 4);
});
