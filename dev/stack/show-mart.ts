import pg from 'pg';
import { plainTable } from '../../client/files-table.ts';

/** Sales and weekly retention as they stand in the mart, as tables. */
export async function showMart(connectionString: string): Promise<string> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const sales = await client.query<Record<string, string>>(
      `select status, count(*) as orders, sum(quantity) as quantity, sum(payment_amount) as revenue
       from mart.f_sales group by status order by status desc`,
    );
    const retention = await client.query<Record<string, string>>(
      `select period_id as week, period_start::text as monday, new_customers_count as new,
           returning_customers_count as returning, refunded_customers_count as refunded,
           new_customers_revenue as new_revenue, returning_customers_revenue as returning_revenue,
           refunded_customers_revenue as refunded_revenue
       from mart.f_customer_retention order by period_id desc limit 5`,
    );
    return `\nSales in the mart:\n${tableOf(sales.rows)}\nWeekly retention (newest weeks):\n${tableOf(retention.rows)}`;
  } finally {
    await client.end();
  }
}

function tableOf(rows: Record<string, string>[]): string {
  const table = plainTable(Object.keys(rows[0] ?? {}));
  for (const row of rows) table.push(Object.values(row));
  return table.toString();
}
