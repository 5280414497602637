import type { TestDatabase } from '../support/database.ts';
import { fileNames } from '../../domain/feeds.ts';

const [FIRST_DAY, LAST_DAY] = ['2024-02-05', '2024-04-28'];
export const HOSTILE_ITEM = '<script>alert("1")</script> & \'Сыр\'';
const HOSTILE_CITY = '</title><img src=https://example.com/x onerror=alert(1)>{b|Тула}';
/** Without a space. */
const LONG_NAME = 'Абвгдежзийклмнопрст'.repeat(3);
export const LONG_WORD = 'x'.repeat(300);

const CITIES = ['Москва', LONG_NAME, 'Казань', 'Нижний Новгород', 'Екатеринбург', HOSTILE_CITY];
const ITEMS = ['Молоко 3%', LONG_NAME.repeat(2_000), HOSTILE_ITEM, LONG_NAME, 'Чай', 'Масло сливочное'];
/** What became of the days that were not simply loaded. */
const SPECIAL_DAYS = {
  '2024-02-23': 'no_increment',
  '2024-03-08': 'no_increment',
  '2024-03-19': 'missing',
  '2024-04-02': 'failed',
  '2024-04-03': 'failed',
  '2024-04-27': 'stale',
};

/**
 * Twelve weeks of sales, straight into the tables: more cities, items and warnings than the page shows, long names and
 * great amounts, refunds, bad rows, and dates that are typing errors.
 */
export async function fillMart({ pool, database }: TestDatabase): Promise<void> {
  await pool.query(
    `insert into mart.d_city select n, coalesce(($1::text[])[n], 'Город ' || n) from generate_series(1, 24) as n`,
    [CITIES],
  );
  await pool.query(
    `insert into mart.d_item select n, coalesce(($1::text[])[n], 'Товар ' || n) from generate_series(1, 19) as n`,
    [ITEMS],
  );
  // Spread without chance: the same mart at every run.
  await pool.query(
    `insert into mart.f_sales
     select md5(n::text), case when n % 23 = 0 then 'refunded' else 'shipped' end,
       to_char($1::date + n * 5 % 84, 'YYYYMMDD')::integer, 1 + n * 7 % 19, 1 + n * n % 307, 1 + n % 83 % 24, 1,
       (case when n % 23 = 0 then -1 else 1 end) * (9876543210.98 / (1 + n * 7 % 19) + n / 100.0)::numeric(18, 2),
       $1::date + n * 5 % 84, false
     from generate_series(1, 2600) as n
     where not ($1::date + n * 5 % 84 = any ($2::date[]))
     union all
     select date_id, 'shipped', date_id::integer, 1, 1, 1, 1, 1, load_date::date, is_history
     from (values ('19700101', '2024-03-01', false), ('19700102', '2024-03-01', false), ('20620225', '2024-03-01', false),
       ('29610101', '2961-01-01', false), ('29620101', '2024-02-02', true)) as stray (date_id, load_date, is_history)`,
    [FIRST_DAY, Object.keys(SPECIAL_DAYS)],
  );
  const { rows } = await pool.query<{ date_id: number }>('select distinct date_id from mart.f_sales');
  const dates = rows.map(({ date_id }) => date_id);
  await database.transaction((session) => session.run('mart/d_calendar', [dates, []]));
  await pool.query(
    `insert into staging.day_load (load_date, outcome, error, error_type, accepted_missing, not_found_number, not_found,
       number, workflow_id, run_id, started_at, finished_at)
     select day, case when state in ('failed', 'no_increment') then state else 'loaded' end,
       case when state = 'failed' then 'user_order_log_inc is <empty>.' end
         || case when day = '2024-04-03' then ' ' || $4 else '' end,
       case when state = 'failed' then 'FileRefused' end,
       case when day = '2024-04-10' then array['customer_research_inc'] else '{}' end,
       case when state is null and day between '2024-02-24' and '2024-03-18' then 2 end,
       case when state is null and day between '2024-02-24' and '2024-03-18' then 'мало ' || day end,
       1, 'w', 'r', now(), now()
     from generate_series($1::timestamp, $2, interval '1 day') as series (at)
     cross join date(at) as day
     left join json_each_text($3) as special (key, state) on key::date = day
     where state is distinct from 'missing'`,
    [FIRST_DAY, LAST_DAY, JSON.stringify(SPECIAL_DAYS), LONG_WORD],
  );
  await pool.query(
    `insert into staging.file_load (load_date, file, delivery_number, mart_delivery_number, sha256, bytes, rows_read,
       rows_kept, rows_duplicate, rows_rejected, warnings, workflow_id, run_id, attempt, started_at, finished_at, volume_warning)
     select load_date, file, case when load_date = '2024-04-27' then 2 else 1 end, 1, 'x', 1, 1234, 1234, 0, 0,
       case when file = 'user_order_log_inc' and load_date >= '2024-03-01' then array['column 14 is unknown and ignored']
         when file = 'price_log_inc' and load_date = '2024-04-10' then array['a quoted field spans lines']
         else '{}' end,
       'w', 'r', 1, now(), now(),
       case when file = 'price_log_inc' and load_date = '2024-04-10' then 'price_log_inc kept 2 rows; the median is 40' end
     from staging.day_load
     cross join unnest($1::text[]) as file
     where outcome = 'loaded' and file <> all (accepted_missing)`,
    [fileNames('increment')],
  );
  await pool.query(
    `insert into staging.rejected_row
     select $1::date + 1 + n % 60, 'user_order_log_inc', n, ($2::text[])[1 + n % 3], ($3::text[])[1 + n % 3],
       'a reason', 'Секретная Фамилия'
     from generate_series(1, 40) as n
     union all
     select $1, 'price_log_inc', 7, null, 'fields', 'a reason', 'x'`,
    [FIRST_DAY, ['quantity', 'payment_amount', '<b>status</b>'], ['type', 'rounding', 'allowed']],
  );
}
