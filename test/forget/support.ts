import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import type { Order } from '../support/deliveries.ts';

/** The customer who is forgotten, by names that nobody else has. */
export const ID = 4711;
export const NAMES: readonly string[] = ['Аделаида', 'Невозможная'];
export const NEW_NAMES: readonly string[] = ['Аделия', 'Переименованная'];
const ALL_NAMES = [...NAMES, ...NEW_NAMES];

export const named = (order: Order, [first_name, last_name] = NAMES): Order => ({
  customer_id: ID,
  ...(first_name !== undefined && { first_name }),
  ...(last_name !== undefined && { last_name }),
  ...order,
});

/** Where one of the names stands: tables of the database, whole, with the planner's statistics of them. */
export async function namesInDatabase(pool: pg.Pool): Promise<string[]> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname in ('staging', 'mart') union all select 'pg_catalog.pg_stats'`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await pool.query<{ text: string }>(`select one::text as text from ${name} as one`);
    if (rows.some(({ text }) => hasName(text))) found.push(name);
  }
  return found.sort();
}

/** The files below a directory in which one of the names stands; what is removed meanwhile has none. */
export async function namesInFiles(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { withFileTypes: true }).catch(gone([]))) {
    const file = path.join(root, entry.name);
    if (entry.isDirectory())
      found.push(...(await namesInFiles(file)).map((inner) => path.join(entry.name, inner)));
    else if (entry.isFile() && hasName(await readFile(file, 'utf8').catch(gone('')))) found.push(entry.name);
  }
  return found.sort();
}

function gone<T>(value: T): (error: unknown) => T {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return value;
  };
}

function hasName(text: string): boolean {
  return ALL_NAMES.some((name) => text.includes(name));
}
