import { spawnSync } from 'node:child_process';
import type pg from 'pg';
import { FEEDS, ORDERS } from '../../domain/feeds.ts';
import type { Order } from '../support/deliveries.ts';

/** The customer who is forgotten, by names that nobody else has. */
export const ID = 4711;
export const NAMES: readonly string[] = ['Аделаида', 'Невозможная'];
export const NEW_NAMES: readonly string[] = ['Аделия', 'Переименованная'];
/** What stays as it is when he is forgotten. */
export const UNCHANGED = [
  ...FEEDS.map(({ name }) => name).filter((name) => name !== ORDERS),
  ...['file_load', 'day_load', 'd_calendar', 'd_city', 'd_item', 'f_sales'],
  ...['f_customer_retention', 'f_customer_retention_by_item'],
];
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

/** The files below a directory in which one of the names stands. */
export function namesInFiles(root: string): string[] {
  // Without a word about files that are removed meanwhile.
  const names = ALL_NAMES.flatMap((name) => ['-e', name]);
  const { stdout } = spawnSync('grep', ['-rslF', ...names, '.'], { cwd: root, encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).sort();
}

function hasName(text: string): boolean {
  return ALL_NAMES.some((name) => text.includes(name));
}
