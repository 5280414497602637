import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import type { Order } from '../support/deliveries.ts';

/** The customer who is forgotten, by names that nobody else has. */
export const ID = 4711;
export const NAMES = ['Аделаида', 'Невозможная'] as const;
export const NEW_NAMES = ['Аделия', 'Переименованная'] as const;
const ALL_NAMES = [...NAMES, ...NEW_NAMES];

export const named = (order: Order, [first_name, last_name] = NAMES as readonly string[]): Order => ({
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

/** The files below a directory in which one of the names stands. */
export async function namesInFiles(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    // It may be removed meanwhile.
    const text = entry.isFile() ? await readFile(file, 'utf8').catch(() => '') : '';
    if (hasName(text)) found.push(path.relative(root, file));
  }
  return found.sort();
}

function hasName(text: string): boolean {
  return ALL_NAMES.some((name) => text.includes(name));
}
