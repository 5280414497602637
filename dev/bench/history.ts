import type pg from 'pg';
import { sql } from '../../database/sql.ts';

/** Columns of both sides. */
const COLUMNS = `load_date, id, uniq_id, date_time, city_id, city_name, customer_id, first_name, last_name,
  item_id, item_name, quantity, payment_amount, status`;

/** Orders over 104 weeks, as the loads of so many days would have left them. $1 how many */
const ORDERS = `
  select
      date '2022-12-23' + (728 * n / $1)::integer,
      n,
      md5(n::text),
      date '2022-12-23' + (728 * n / $1)::integer,
      n % 3, 'Москва', hashint8(n)::bigint & 1048575, 'Анна', 'Великая',
      n % 12, 'Молоко 3%', 1 + n % 5, 100 + n % 400,
      case when n % 50 = 0 then 'refunded' else 'shipped' end
  from generate_series(1::bigint, $1) as n`;

/** Of an order, the columns that both sides have of a fact, and the order of a customer's rows. */
const FACT = `uniq_id, status, to_char(date_time, 'YYYYMMDD')::integer, item_id, customer_id, city_id, quantity,
  case status when 'refunded' then -payment_amount else payment_amount end, load_date`;
const LAST_FIRST = 'order by customer_id, date_time desc, load_date desc, id desc';

const PRODUCT = {
  tables: ['staging.user_order_log', 'mart.f_sales', 'mart.d_customer'],
  history: [
    `insert into staging.user_order_log (${COLUMNS}) ${ORDERS}`,
    `insert into mart.f_sales select ${FACT}, is_history from staging.user_order_log`,
    `insert into mart.d_customer
    select distinct on (customer_id)
        customer_id, first_name, last_name, city_id, date_time, id, load_date, is_history
    from staging.user_order_log
    ${LAST_FIRST}`,
    `insert into staging.file_load (
        load_date, file, delivery_number, mart_delivery_number, sha256, bytes, rows_read, rows_kept, rows_duplicate,
        rows_rejected, workflow_id, run_id, attempt, started_at, finished_at
    )
    select load_date, 'user_order_log_inc', 0, 0, '', 0, count(*), count(*), 0, 0, 'bench', 'bench', 1, now(), now()
    from staging.user_order_log
    group by load_date`,
    'insert into mart.d_city select city_id, min(city_name) from staging.user_order_log group by city_id',
    'insert into mart.d_item select item_id, min(item_name) from staging.user_order_log group by item_id',
  ],
};

const BY_HAND = {
  tables: ['by_hand.stg_orders', 'by_hand.f_sales', 'by_hand.d_customer'],
  history: [
    `insert into by_hand.stg_orders (${COLUMNS}) ${ORDERS}`,
    `insert into by_hand.f_sales select ${FACT} from by_hand.stg_orders`,
    `insert into by_hand.d_customer
    select distinct on (customer_id) customer_id, first_name, last_name, city_id
    from by_hand.stg_orders
    ${LAST_FIRST}`,
  ],
};

const INDEXES = `
  select
    coalesce('alter table ' || conrelid::regclass || ' drop constraint ' || conname, 'drop index ' || indexrelid::regclass)
      as gone,
    coalesce(
      'alter table ' || conrelid::regclass || ' add constraint ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid),
      pg_get_indexdef(indexrelid)
    ) as back
  from pg_index
  left join pg_constraint on conindid = indexrelid
  where indrelid = any ($1::regclass[])`;

/** Fills the product's tables. */
export async function writeHistory(client: pg.Client, facts: number): Promise<void> {
  await fill(client, PRODUCT, facts);
  const { rows: dates } = await client.query<{ date_id: number }>(
    'select distinct date_id from mart.f_sales',
  );
  await client.query(sql('mart/d_calendar'), [dates.map(({ date_id }) => date_id), []]);
  await client.query('vacuum analyze mart.d_calendar');
}

/** Fills the tables of the yardstick. */
export async function writeHistoryByHand(client: pg.Client, facts: number): Promise<void> {
  await fill(client, BY_HAND, facts);
}

/** Indexes are built afterwards, which is several times faster. */
async function fill(client: pg.Client, { tables, history }: typeof PRODUCT, facts: number): Promise<void> {
  const { rows: indexes } = await client.query<{ gone: string; back: string }>(INDEXES, [tables]);
  await client.query(`set maintenance_work_mem = '2GB'; set work_mem = '256MB'`);
  for (const { gone } of indexes) await client.query(gone);
  for (const statement of history) await client.query(statement.replaceAll('$1', String(facts)));
  for (const { back } of indexes) await client.query(back);
  await client.query('vacuum analyze');
}
