import type { TestDatabase } from '../support/database.ts';
import { fileNames } from '../../domain/feeds.ts';

export const LARGE_FROM = '2025-01-01';
export const LARGE_TO = '2025-12-31';
/** 60 letters without a space. */
const LONG_NAME = 'Абвгдежзийклмнопрст'.repeat(4).slice(0, 60);

/**
 * A real shop's year: amounts of eleven digits, names of 60 letters (and one of 100,000), 40 cities, a warning a day, failed
 * days, and dates that are typing errors.
 */
export async function fillLargeMart({ pool }: Pick<TestDatabase, 'pool'>): Promise<void> {
  await pool.query(
    `insert into mart.d_city select n, left(n || $1, 60) from generate_series(1, 40) as n;`.replace(
      '$1',
      `'${LONG_NAME}'`,
    ),
  );
  await pool.query(
    `insert into mart.d_item select n, case when n = 1 then repeat('Н', 100000) else left(n || '${LONG_NAME}', 60) end
     from generate_series(1, 40) as n`,
  );
  await pool.query(
    `insert into mart.f_sales
     select md5(n::text), case when n % 23 = 0 then 'refunded' else 'shipped' end,
       to_char($1::date + n % 365, 'YYYYMMDD')::integer, 1 + n % 40, 1 + n % 307, 1 + n % 40, 1,
       (case when n % 23 = 0 then -1 else 1 end) * (98765432109.87 / (1 + n % 40) / (1 + n % 365))::numeric(18, 2),
       $1::date + n % 365, false
     from generate_series(1, 6000) as n
     union all
     select 'error' || n, 'shipped', date_id, 1, 1, 1, 1, 1, '2025-03-01', false
     from unnest(array[19700101, 19700102, 20620225, 20250915]) with ordinality as error (date_id, n)`,
    [LARGE_FROM],
  );
  await pool.query(
    `insert into mart.d_calendar (date_actual) select distinct to_date(date_id::text, 'YYYYMMDD') from mart.f_sales`,
  );
  await pool.query(
    `insert into staging.day_load (load_date, outcome, error, error_type, accepted_missing, number, workflow_id, run_id,
       started_at, finished_at)
     select day::date, case when n % 50 = 7 then 'failed' else 'loaded' end,
       case when n % 50 = 7 then 'user_order_log_inc of ' || day::date || ' is refused: the header lacks the column ' || repeat('x', 300) end,
       case n % 100 when 7 then 'FileRefused' when 57 then 'NoSuchType' end,
       case when n = 100 then array['customer_research_inc'] else '{}' end, 1, 'w', 'r', now(), now()
     from generate_series($1::date::timestamp, $2::date::timestamp, interval '1 day') with ordinality as days (day, n)`,
    [LARGE_FROM, LARGE_TO],
  );
  await pool.query(
    `insert into staging.file_load (load_date, file, delivery_number, mart_delivery_number, sha256, bytes, rows_read,
       rows_kept, rows_duplicate, rows_rejected, warnings, workflow_id, run_id, attempt, started_at, finished_at, volume_warning)
     select load_date, file, 1, 1, 'x', 1, 1234567, 1234567, 0, 0,
       case file when 'user_order_log_inc' then array['column 14 is unknown and ignored'] else '{}' end,
       'w', 'r', 1, now(), now(),
       case when file = 'price_log_inc' and extract(day from load_date) = 9
         then file || ' kept ' || extract(month from load_date) || ' rows; the median of its last loaded days is 40 (VOLUME_ALERT_SHARE)' end
     from staging.day_load
     cross join unnest($1::text[]) as file`,
    [fileNames('increment')],
  );
}
