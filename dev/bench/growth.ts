import pg from 'pg';
import { readReport } from '../../client/report/data.ts';
import type { Database } from '../../database/database.ts';
import { verify } from '../../database/verify.ts';
import { addDays } from '../../domain/load-date.ts';
import { createByHand, loadByHand } from './by-hand/by-hand.ts';
import { Figures, median, rounded, secondsOf } from './figures.ts';
import { writeHistory, writeHistoryByHand } from './history.ts';
import { Product, writeOrders } from './load.ts';
import { BenchServer, withDatabase } from './server.ts';

const FIRST_DAY = '2024-12-20';
/** Before all history. */
const LATE_DAY = '2022-12-01';
const ROWS = 100_000;
const REAL_SIZE = 1_091;
/** Of 13 weeks before the days. */
const QUARTER = 'where period_id between 202438 and 202450';

interface Day {
  loadDate: string;
  csvPath: string;
}

interface Days {
  large: Day[];
  realSize: Day[];
  /** Older than all others. */
  late: Day[];
}

interface Options {
  facts: number[];
  rounds: number;
  verify: boolean;
}

/**
 * Does one more day cost more the more history there is? Loads days into marts of different sizes, each for the first
 * time, again and by hand, and asks for retention, the report and verification. The product and the yardstick have a
 * database each, one after the other, so that the disk holds one of them.
 */
export async function measureGrowth(options: Options): Promise<void> {
  await Product.use((product) => grow(options, product));
}

async function grow(options: Options, product: Product): Promise<void> {
  const figures = new Figures('growth');
  await BenchServer.use(async (server) => {
    // Each with orders of its own.
    const written = async (rows: number, dates: readonly string[]): Promise<Day[]> => {
      const days = [];
      for (const loadDate of dates)
        days.push({ loadDate, csvPath: await writeOrders(server.directory, loadDate, rows) });
      return days;
    };
    const dates = Array.from({ length: 2 * options.rounds }, (_, day) => addDays(FIRST_DAY, day));
    const days: Days = {
      large: await written(ROWS, dates.slice(0, options.rounds)),
      realSize: await written(REAL_SIZE, dates.slice(options.rounds)),
      late: await written(ROWS, [LATE_DAY]),
    };
    for (const facts of options.facts) {
      const byHand = await server.inNewDatabase((url) => measureByHand(url, facts, days.large));
      const { first, ...others } = await server.inNewDatabase((url) =>
        measure(url, facts, days, product, options.verify),
      );
      await figures.add({
        'facts before': facts,
        'first load s': rounded(first),
        'by hand s': rounded(byHand),
        ratio: rounded(first / byHand),
        ...others,
      });
    }
  });
  figures.print();
}

/** Seconds of a day. */
async function measureByHand(url: string, facts: number, days: readonly Day[]): Promise<number> {
  await createByHand(url);
  if (facts > 0) await withClient(url, (client) => writeHistoryByHand(client, facts));
  const seconds: number[] = [];
  for (const { loadDate, csvPath } of days) seconds.push(await loadByHand(url, csvPath, loadDate));
  return median(seconds);
}

async function measure(
  url: string,
  facts: number,
  days: Days,
  product: Product,
  verifies: boolean,
): Promise<Record<string, number> & { first: number }> {
  return await withClient(url, async (client) => {
    if (facts > 0) await writeHistory(client, facts);
    const first: number[] = [];
    const again: number[] = [];
    const grown: number[] = [];
    for (const { loadDate, csvPath } of days.large) {
      first.push((await product.load({ url, csvPath, loadDate })).total);
      const before = await megabytes(client);
      again.push((await product.load({ url, csvPath, loadDate })).total);
      grown.push((await megabytes(client)) - before);
    }
    const seconds = async (loads: readonly Day[]) => {
      const all: number[] = [];
      for (const load of loads) all.push((await product.load({ url, ...load })).total);
      return rounded(median(all));
    };
    return {
      first: median(first),
      'again s': rounded(median(again)),
      'MB grown by the rerun': rounded(median(grown), 1),
      'late day s': await seconds(days.late),
      'real size s': await seconds(days.realSize),
      'all weeks s': await reading(client, 'select * from mart.f_customer_retention'),
      '13 weeks s': await reading(client, `select * from mart.f_customer_retention ${QUARTER}`),
      '13 weeks by item s': await reading(
        client,
        `select * from mart.f_customer_retention_by_item ${QUARTER}`,
      ),
      'report s': rounded(await withDatabase(url, (database) => secondsOf(() => report(database))), 1),
      ...(verifies ? { 'verify s': rounded(await withDatabase(url, verifying), 1) } : {}),
      'vacuum s': rounded(await secondsOf(() => client.query('vacuum analyze')), 1),
      'indexes GB': rounded((await megabytes(client, 'pg_indexes_size')) / 1_000, 1),
      GB: rounded((await megabytes(client)) / 1_000, 1),
    };
  });
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return await work(client).finally(() => client.end());
}

async function report(database: Database): Promise<unknown> {
  return await readReport(database, {}, '2024-12-31');
}

/** Seconds. */
async function verifying(database: Database): Promise<number> {
  return await secondsOf(async () => {
    const differences = await verify(database, {}, console.error);
    if (differences.length > 0) throw new Error(`The mart is wrong: ${JSON.stringify(differences)}`);
  });
}

/** All tables with their indexes, or what else a function says of a table. */
async function megabytes(client: pg.Client, size = 'pg_total_relation_size'): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `select sum(${size}(oid)) as bytes from pg_class
     where relkind = 'r' and relnamespace in ('staging'::regnamespace, 'mart'::regnamespace)`,
  );
  return Number(rows[0]?.bytes) / 1e6;
}

/** Seconds of a query, the median of five, or of fewer that take long. */
async function reading(client: pg.Client, query: string): Promise<number> {
  const seconds: number[] = [];
  const end = performance.now() + 60_000;
  while (seconds.length < 5 && performance.now() < end)
    seconds.push(await secondsOf(() => client.query(query)));
  return rounded(median(seconds), 3);
}
