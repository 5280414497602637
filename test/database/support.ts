import { tmpdir } from 'node:os';
import type pg from 'pg';
import type { Database } from '../../database/database.ts';
import { createHash } from 'node:crypto';
import { FEEDS, ORDERS, type Source } from '../../domain/feeds.ts';
import type { LandedFile, StagedFile } from '../../domain/day.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { recordLoaded } from '../../pipeline/load/outcome.ts';
import { landRows } from '../../pipeline/load/land-rows.ts';
import { stageFile } from '../../pipeline/load/stage-file.ts';
import { updateDimension, updateFacts } from '../../pipeline/load/update-mart.ts';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile } from '../../pipeline/validate/check-file.ts';
import { chunksOf } from '../pipeline/support.ts';
import { ordersCsv, type Order } from '../support/deliveries.ts';
import { QUERIES } from '../support/dump.ts';

/** The steps that bring a delivery into the mart, in the order of the workflow. */

export const DIMENSIONS = ['d_city', 'd_item', 'd_customer'] as const;
export const VIEWS = ['f_customer_retention', 'f_customer_retention_by_item'] as const;
/** The dimensions, then the facts. */
export const MART_STEPS = DIMENSIONS.length + 1;

export interface LoadOptions {
  source?: Source;
  /** Name of the feed; orders when not given. */
  feed?: string;
  /** The next one when not given. */
  deliveryNumber?: number;
  maxRejectedShare?: number;
  /** Whether a file of orders has the status column; when not given: when an order has a status. */
  withStatus?: boolean;
}

/** Orders, or the text of a file. */
type Content = readonly Order[] | string;

/** Loads deliveries as a run does, without Temporal, the report API and a landing directory. */
export class Loader {
  readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** Stages the orders of a date and brings them into the mart. */
  async load(loadDate: string, orders: Content, options: LoadOptions = {}): Promise<StagedFile> {
    const staged = await this.stage(loadDate, orders, options);
    await this.updateMart(loadDate, options.source);
    return staged;
  }

  /** Lands a file and stages it; nothing of the mart. */
  async stage(loadDate: string, content: Content, options: LoadOptions = {}): Promise<StagedFile> {
    return await this.stageLanded(await this.land(loadDate, content, options));
  }

  /** Checks a file and puts its rows into the database, to be staged later. */
  async land(loadDate: string, content: Content, options: LoadOptions = {}): Promise<LandedFile> {
    const { source = 'increment', feed = ORDERS, maxRejectedShare = 1 } = options;
    const deliveryNumber = options.deliveryNumber ?? (await nextDeliveryNumber(this.database));
    const csv = Buffer.from(csvOf(content, options));
    const rows = new CheckedRows(tmpdir(), deliveryNumber);
    try {
      const checked = await checkFile(chunksOf(csv), feed, rows, { maxRejectedShare });
      const sha256 = createHash('sha256').update(csv).digest('hex');
      const file = { loadDate, source, feed, deliveryNumber, bytes: csv.length, sha256, ...checked };
      await landRows(this.database, file, rows, never());
      return file;
    } finally {
      await rows.close();
    }
  }

  async stageLanded({ loadDate, source, feed, deliveryNumber }: LandedFile): Promise<StagedFile> {
    const run = { workflowId: 'test', runId: String(deliveryNumber), attempt: 1, startedAt: new Date() };
    const file = { loadDate, source, feed, deliveryNumber };
    return (await stageFile(this.database, file, run, never())).staged;
  }

  /** The mart steps of one delivery, each in its transaction; `steps` fewer of them for a run that is cut off. */
  async updateMart(
    loadDate: string,
    source: Source = 'increment',
    steps: number = MART_STEPS,
  ): Promise<void> {
    const delivery = { loadDate, source };
    for (const dimension of DIMENSIONS.slice(0, steps)) {
      await updateDimension(this.database, dimension, delivery);
    }
    if (steps < MART_STEPS) return;
    await this.database.transaction(async (session) => {
      await updateFacts(session, delivery);
      const request = { files: [], acceptedMissing: [], volumeAlertShare: 0, number: 0, startedAt: NOW };
      await recordLoaded(session, delivery, request, { workflowId: 'test', runId: 'test' });
    });
  }
}

const NOW = new Date().toISOString();

function never(): AbortSignal {
  return new AbortController().signal;
}

function csvOf(content: Content, { withStatus }: LoadOptions): string {
  if (typeof content === 'string') return content;
  return ordersCsv(content, withStatus === undefined ? {} : { withStatus });
}

/** Empties every table; the numbers of downloads go on. Faster than truncate, which makes files anew. */
export async function empty(pool: pg.Pool): Promise<void> {
  await pool.query(EMPTY);
}

const EMPTY = [
  ...FEEDS.map(({ name }) => name),
  ...['file_load', 'rejected_row', 'day_load', 'landed_file', 'incoming_user_order_log', 'incoming_rejected'],
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
  ...QUERIES,
  rejected_row: 'select load_date, file, line, column_name from staging.rejected_row',
  file_load: `select load_date, file, delivery_number, rows_read, rows_kept, rows_duplicate, rows_rejected
    from staging.file_load`,
};

export async function tables(pool: pg.Pool, names: readonly string[]): Promise<Record<string, string[]>> {
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
