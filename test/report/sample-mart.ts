import type { TestDatabase } from '../support/database.ts';
import { fileNames } from '../../domain/feeds.ts';
import { addDays, eachDay } from '../../domain/load-date.ts';

export const FIRST_DAY = '2024-02-05';
export const LAST_DAY = '2024-04-28';
export const HOSTILE_ITEM = '<script>alert("1")</script> & \'Сыр\'';
export const HOSTILE_CITY = '</title><img src=https://example.com/x onerror=alert(1)>{b|Тула}';

const CITIES = ['Москва', 'Санкт-Петербург', 'Казань', 'Нижний Новгород', 'Екатеринбург', HOSTILE_CITY];
const ITEMS = ['Молоко 3%', 'Хлеб «Бородинский»', HOSTILE_ITEM, 'Кофе в зёрнах', 'Чай', 'Масло сливочное'];
/** Loaded with a warning. */
const SMALL_DAY = '2024-04-10';
/** What became of the days that were not simply loaded. */
export const SPECIAL_DAYS: Record<string, 'missing' | 'failed' | 'no_increment' | 'stale'> = {
  '2024-02-23': 'no_increment',
  '2024-03-08': 'no_increment',
  '2024-03-19': 'missing',
  '2024-04-02': 'failed',
  '2024-04-03': 'failed',
  '2024-04-27': 'stale',
};

/** Twelve weeks of sales, straight into the tables: more cities and items than the page shows, refunds, bad rows. */
export async function fillMart({ pool }: TestDatabase): Promise<void> {
  await pool.query(
    `insert into mart.d_city select n, coalesce(($1::text[])[n], 'Город ' || n) from generate_series(1, 24) as n`,
    [CITIES],
  );
  await pool.query(
    `insert into mart.d_item select n, coalesce(($1::text[])[n], 'Товар ' || n) from generate_series(1, 19) as n`,
    [ITEMS],
  );
  await pool.query(
    `insert into mart.d_calendar (date_actual)
     select day
     from generate_series($1::date::timestamp, $2::date::timestamp, interval '1 day') as day`,
    [FIRST_DAY, LAST_DAY],
  );
  // Spread without chance: the same mart at every run.
  await pool.query(
    `insert into mart.f_sales
     select md5(n::text), case when n % 23 = 0 then 'refunded' else 'shipped' end,
       to_char($1::date + n * 5 % 84, 'YYYYMMDD')::integer, 1 + n * 7 % 19, 1 + n * n % 307, 1 + n % 83 % 24, 1,
       (case when n % 23 = 0 then -1 else 1 end) * (10000000.07 / (1 + n * 7 % 19) + n / 100.0)::numeric(18, 2),
       $1::date + n * 5 % 84, false
     from generate_series(1, 2600) as n
     where not ($1::date + n * 5 % 84 = any ($2::date[]))`,
    [FIRST_DAY, Object.keys(SPECIAL_DAYS)],
  );
  for (const date of eachDay(FIRST_DAY, LAST_DAY)) await recordDay(pool, date);
  await pool.query(
    `insert into staging.rejected_row
     select $1::date + n % 60, 'user_order_log_inc', n, ($2::text[])[1 + n % 3], ($3::text[])[1 + n % 3],
       'a reason', 'Секретная Фамилия'
     from generate_series(1, 40) as n`,
    [addDays(FIRST_DAY, 1), ['quantity', 'payment_amount', '<b>status</b>'], ['type', 'rounding', 'allowed']],
  );
  await pool.query(
    `insert into staging.rejected_row values ($1, 'price_log_inc', 7, null, 'fields', 'a reason', 'x')`,
    [FIRST_DAY],
  );
}

async function recordDay(pool: TestDatabase['pool'], date: string): Promise<void> {
  const special = SPECIAL_DAYS[date];
  if (special === 'missing') return;
  const outcome = special === undefined || special === 'stale' ? 'loaded' : special;
  const failed = outcome === 'failed';
  await pool.query(
    `insert into staging.day_load (load_date, outcome, error, error_type, accepted_missing, number,
       workflow_id, run_id, started_at, finished_at)
     values ($1, $2, $3, $4, $5, 1, 'w', 'r', now(), now())`,
    [
      date,
      outcome,
      failed ? 'user_order_log_inc is <empty>.' : null,
      failed ? 'FileRefused' : null,
      date === SMALL_DAY ? ['customer_research_inc'] : [],
    ],
  );
  if (outcome !== 'loaded') return;
  await pool.query(
    `insert into staging.file_load (load_date, file, delivery_number, mart_delivery_number, sha256, bytes, rows_read,
       rows_kept, rows_duplicate, rows_rejected, warnings, workflow_id, run_id, attempt, started_at, finished_at, volume_warning)
     select $1::date, file, $2, 1, 'x', 1, 1234, 1234, 0, 0,
       case when $1::date = $4::date and file = 'price_log_inc' then array['a quoted field spans lines'] else '{}' end,
       'w', 'r', 1, now(), now(),
       case when $1::date = $4::date and file = 'price_log_inc' then 'price_log_inc kept 2 rows; the median is 40' end
     from unnest($3::text[]) as file`,
    [
      date,
      special === 'stale' ? 2 : 1,
      fileNames('increment').filter((file) => date !== SMALL_DAY || file !== 'customer_research_inc'),
      SMALL_DAY,
    ],
  );
}
