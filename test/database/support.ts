import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import type { Database } from '../../database/database.ts';
import { feedOf, fileName } from '../../domain/feeds.ts';
import { prepareFile } from '../../pipeline/validate/check-file.ts';
import { MART_STEPS, updateMart } from '../../pipeline/load/update-mart.ts';
import { stageFile } from '../../pipeline/load/stage-file.ts';
import type { DeliveryRef, StagedFile } from '../../domain/day.ts';
import { ordersCsv, type Order } from '../support/deliveries.ts';

/** The steps that bring a delivery into the mart, in the order of the workflow. */

const ORDERS = feedOf('user_order_log');

export interface LoadOptions {
  kind?: DeliveryRef['kind'];
  /** Name of the feed; orders when not given. */
  feed?: string;
  /** The number of the download; the next one when not given. */
  delivery?: number;
  maxRejectedShare?: number;
  /** Whether a file of orders has the status column; when not given: when an order has a status. */
  withStatus?: boolean;
}

/** Loads deliveries as a run does, without Temporal, the report API and a landing directory. */
export class Loader {
  readonly database: Database;
  readonly directory: string;
  #files = 0;

  private constructor(database: Database, directory: string) {
    this.database = database;
    this.directory = directory;
  }

  static async create(database: Database): Promise<Loader> {
    return new Loader(database, await mkdtemp(path.join(tmpdir(), 'database-test-')));
  }

  async close(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Stages the orders of a date and brings them into the mart. */
  async load(
    loadDate: string,
    orders: readonly Order[] | string,
    options: LoadOptions = {},
  ): Promise<StagedFile> {
    const staged = await this.stage(loadDate, orders, options);
    await this.updateMart(loadDate, options.kind);
    return staged;
  }

  /** Checks a file and stages it; nothing of the mart. */
  async stage(
    loadDate: string,
    content: readonly Order[] | string,
    options: LoadOptions = {},
  ): Promise<StagedFile> {
    const { kind = 'increment', feed = ORDERS.name, maxRejectedShare = 1 } = options;
    const delivery = options.delivery ?? (await this.nextDelivery());
    const file = fileName(feedOf(feed), kind);
    const base = path.join(this.directory, String((this.#files += 1)));
    const paths = { csvPath: `${base}.csv`, rowsPath: `${base}.rows`, rejectedPath: `${base}.rejected` };
    await writeFile(paths.csvPath, csvOf(content, options));
    const prepared = await prepareFile({ ...paths, file, loadDate, maxRejectedShare });
    const request = {
      ...paths,
      delivery: { loadDate, kind },
      file: { ...prepared, file, delivery },
      run: { workflowId: 'test', runId: String(delivery), attempt: 1, startedAt: new Date() },
    };
    const staged = await stageFile(this.database, request, new AbortController().signal);
    await Promise.all(Object.values(paths).map((name) => rm(name)));
    return staged;
  }

  /** The mart steps of one delivery, each in its transaction; `steps` fewer of them for a run that is cut off. */
  async updateMart(
    loadDate: string,
    kind: DeliveryRef['kind'] = 'increment',
    steps: number = MART_STEPS.length,
  ): Promise<void> {
    const key = [loadDate, kind === 'report'];
    for (const step of MART_STEPS.slice(0, steps)) {
      await this.database.transaction(async (session) => {
        await updateMart(session, step, { loadDate, kind });
        if (step === 'f_sales') {
          const file = fileName(ORDERS, kind);
          await session.run('audit/day_loaded', [...key, file, [], 'test', 'test', new Date().toISOString()]);
        }
      });
    }
  }

  async nextDelivery(): Promise<number> {
    const [row] = await this.database.query<{ delivery: string }>('audit/next_delivery');
    return Number(row?.delivery);
  }
}

function csvOf(content: readonly Order[] | string, { withStatus }: LoadOptions): string {
  if (typeof content === 'string') return content;
  return ordersCsv(content, withStatus === undefined ? {} : { withStatus });
}

/** Empties every table; the numbers of downloads go on. Faster than truncate, which makes files anew. */
export async function empty(pool: pg.Pool): Promise<void> {
  await pool.query(EMPTY);
}

const EMPTY = [
  ...['user_order_log', 'user_activity_log', 'customer_research', 'price_log'],
  ...['file_load', 'rejected_row', 'day_load'],
]
  .map((name) => `staging.${name}`)
  .concat(['d_calendar', 'd_city', 'd_item', 'd_customer', 'f_sales'].map((name) => `mart.${name}`))
  .map((name) => `delete from ${name}`)
  .join('; ');

/** The rows of a query, each as one line of text. */
export async function lines(pool: pg.Pool, query: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await pool.query<(string | number | boolean | null)[]>({
    text: query,
    values,
    rowMode: 'array',
  });
  return rows.map((row) => row.map((value) => String(value ?? '-')).join(' | '));
}

/** The queries that give a database's tables as `model.ts` gives them, in any order of lines. */
const TABLES: Record<string, string> = {
  user_order_log: `select load_date, is_history, id, uniq_id, date_time, city_id, city_name, customer_id, first_name,
    item_id, item_name, quantity, payment_amount, status from staging.user_order_log`,
  rejected_row: 'select load_date, file, line, column_name from staging.rejected_row',
  file_load: `select load_date, file, delivery, rows_read, rows_kept, rows_duplicate, rows_rejected
    from staging.file_load`,
  d_calendar: `select date_id, date_actual, day_of_week, day_of_month, week_of_year, iso_year, week_start,
    month_actual, quarter_actual, year_actual from mart.d_calendar`,
  d_city: 'select city_id, city_name from mart.d_city',
  d_item: 'select item_id, item_name from mart.d_item',
  d_customer: 'select customer_id, first_name, city_id from mart.d_customer',
  f_sales: `select uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount
    from mart.f_sales`,
  f_customer_retention: 'select * from mart.f_customer_retention',
  f_customer_retention_by_item: 'select * from mart.f_customer_retention_by_item',
};

export async function tables(
  pool: pg.Pool,
  names: readonly string[] = Object.keys(TABLES),
): Promise<Record<string, string[]>> {
  const entries = await Promise.all(
    names.map(async (name) => [name, await lines(pool, TABLES[name] ?? '')] as const),
  );
  return Object.fromEntries(entries);
}

/** One text of the tables, the lines of each in order. */
export function textOf(contents: Record<string, string[]>): string {
  return Object.keys(contents)
    .sort()
    .flatMap((name) => [`== ${name}`, ...(contents[name] ?? []).toSorted()])
    .join('\n');
}
