import pg from 'pg';
import { readReport } from '../../client/report/data.ts';
import type { Database } from '../../database/database.ts';
import { verify } from '../../database/verify.ts';
import { addDays, eachDay } from '../../domain/load-date.ts';
import { createByHand, loadByHand } from './by-hand/by-hand.ts';
import { Figures, median, rounded, secondsOf } from './figures.ts';
import { writeHistory, writeHistoryByHand } from './history.ts';
import type { Load } from './load-day.ts';
import { Product, writeOrders } from './load.ts';
import { BenchServer, withDatabase } from './server.ts';

const FIRST_DAY = '2024-12-20';
/** Before all history. */
const LATE_DAY = '2022-12-01';
const ROWS = 100_000;
const REAL_SIZE = 1_091;
/** Of 13 weeks before the days. */
const QUARTER = 'where period_id between 202438 and 202450';

type Day = Omit<Load, 'url'>;

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
  const figures = new Figures('growth');
  await Product.use((product) =>
    BenchServer.use(async (server) => {
      // Each with orders of its own.
      const written = async (rows: number, from: string, count: number): Promise<Day[]> => {
        const days = [];
        for (const loadDate of eachDay(from, addDays(from, count - 1)))
          days.push({ loadDate, csvPath: await writeOrders(server.directory, loadDate, rows) });
        return days;
      };
      const { rounds } = options;
      const days = {
        large: await written(ROWS, FIRST_DAY, rounds),
        realSize: await written(REAL_SIZE, addDays(FIRST_DAY, rounds), rounds),
        late: await written(ROWS, LATE_DAY, 1),
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
    }),
  );
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
  days: Record<'large' | 'realSize' | 'late', Day[]>,
  product: Product,
  verifies: boolean,
): Promise<Record<string, number> & { first: number }> {
  return await withClient(url, async (client) => {
    if (facts > 0) await writeHistory(client, facts);
    const load = async (day: Day) => (await product.load({ url, ...day })).total;
    const first: number[] = [];
    const again: number[] = [];
    const grown: number[] = [];
    for (const day of days.large) {
      first.push(await load(day));
      const before = await megabytes(client);
      again.push(await load(day));
      grown.push((await megabytes(client)) - before);
    }
    const seconds = async (some: readonly Day[]) => {
      const all: number[] = [];
      for (const day of some) all.push(await load(day));
      return rounded(median(all));
    };
    const read = (what: string) => reading(client, `select * from mart.f_customer_retention${what}`);
    return {
      first: median(first),
      'again s': rounded(median(again)),
      'MB grown by the rerun': rounded(median(grown), 1),
      'late day s': await seconds(days.late),
      'real size s': await seconds(days.realSize),
      'all weeks s': await read(''),
      '13 weeks s': await read(` ${QUARTER}`),
      '13 weeks by item s': await read(`_by_item ${QUARTER}`),
      'report s': await withDatabase(url, (database) => tenths(() => readReport(database, {}, '2024-12-31'))),
      ...(verifies ? { 'verify s': await withDatabase(url, verifying) } : {}),
      'vacuum s': await tenths(() => client.query('vacuum analyze')),
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

/** Seconds. */
async function tenths(work: () => Promise<unknown>): Promise<number> {
  return rounded(await secondsOf(work), 1);
}

async function verifying(database: Database): Promise<number> {
  return await tenths(async () => {
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
