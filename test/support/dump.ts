import type pg from 'pg';
import { FEEDS } from '../../domain/feeds.ts';

/** What readers rely on, without ids of runs and times: two databases that hold the same give the same text. */
export const QUERIES: Record<string, string> = {
  ...Object.fromEntries(
    FEEDS.map(({ name, columns, key }) => [
      name,
      `select load_date, is_history, ${columns.map((column) => column.name).join(', ')}
        from staging.${name} order by load_date, is_history, ${key.join(', ')}`,
    ]),
  ),
  rejected_row: 'select * from staging.rejected_row order by load_date, file, line',
  file_load: `select load_date, file, sha256, bytes, rows_read, rows_kept, rows_duplicate, rows_rejected, warnings
    from staging.file_load order by load_date, file`,
  day_load: `select load_date, is_history, outcome, error_type, revenue, accepted_missing
    from staging.day_load order by load_date, is_history`,
  d_calendar: 'select * from mart.d_calendar order by date_id',
  d_city: 'select city_id, city_name from mart.d_city order by city_id',
  d_item: 'select item_id, item_name from mart.d_item order by item_id',
  d_customer: 'select customer_id, first_name, last_name, city_id from mart.d_customer order by customer_id',
  f_sales: `select uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount
    from mart.f_sales order by uniq_id, status`,
  f_customer_retention: 'select * from mart.f_customer_retention order by period_id',
  f_customer_retention_by_item: 'select * from mart.f_customer_retention_by_item order by period_id, item_id',
};

/** Canonical text of the database; `tables` limits it. */
export async function dump(pool: pg.Pool, tables = Object.keys(QUERIES)): Promise<string> {
  const parts: string[] = [];
  for (const table of tables) {
    const { rows } = await pool.query({ text: QUERIES[table] ?? '', rowMode: 'array' });
    parts.push(`== ${table}`, ...rows.map((row) => JSON.stringify(row)));
  }
  return parts.join('\n');
}
