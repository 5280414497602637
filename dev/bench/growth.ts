import pg from 'pg';
import { readReport } from '../../client/report/data.ts';
import { verify } from '../../database/verify.ts';
import { addDays } from '../../domain/load-date.ts';
import { createByHand, loadByHand } from './by-hand/by-hand.ts';
import { Figures, median, rounded, secondsOf } from './figures.ts';
import { writeHistory } from './history.ts';
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

/**
 * Does one more day cost more the more history there is? Loads days into marts of different sizes, each for the first
 * time, again and by hand, and asks for retention, the report and verification.
 */
export async function measureGrowth(options: { facts: number[]; rounds: number }): Promise<void> {
  await Product.use((product) => grow(options, product));
}

async function grow(options: { facts: number[]; rounds: number }, product: Product): Promise<void> {
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
      await figures.add(await server.inNewDatabase((url) => measure(url, facts, days, product)));
    }
  });
  figures.print();
}

async function measure(
  url: string,
  facts: number,
  days: Days,
  product: Product,
): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await createByHand(url);
    if (facts > 0) await writeHistory(client, facts);
    const byHand: number[] = [];
    const first: number[] = [];
    const again: number[] = [];
    const grown: number[] = [];
    for (const { loadDate, csvPath } of days.large) {
      first.push((await product.load({ url, csvPath, loadDate })).total);
      const before = await megabytes(client);
      again.push((await product.load({ url, csvPath, loadDate })).total);
      grown.push((await megabytes(client)) - before);
      byHand.push(await loadByHand(url, csvPath, loadDate));
    }
    const seconds = async (loads: readonly Day[]) => {
      const all: number[] = [];
      for (const load of loads) all.push((await product.load({ url, ...load })).total);
      return rounded(median(all));
    };
    return {
      'facts before': facts,
      'first load s': rounded(median(first)),
      'by hand s': rounded(median(byHand)),
      ratio: rounded(median(first) / median(byHand)),
      'again s': rounded(median(again)),
      'MB grown by the rerun': rounded(median(grown), 1),
      'late day s': await seconds(days.late),
      'real size s': await seconds(days.realSize),
      'all weeks ms': await milliseconds(client, 'select * from mart.f_customer_retention'),
      '13 weeks ms': await milliseconds(client, `select * from mart.f_customer_retention ${QUARTER}`),
      '13 weeks by item ms': await milliseconds(
        client,
        `select * from mart.f_customer_retention_by_item ${QUARTER}`,
      ),
      ...(await whole(url)),
      GB: rounded((await megabytes(client)) / 1_000, 1),
    };
  } finally {
    await client.end();
  }
}

/** What reads the whole mart, by the product's own code. */
async function whole(url: string): Promise<Record<string, number>> {
  return await withDatabase(url, async (database) => {
    const found = await secondsOf(async () => {
      const differences = await verify(database, {}, console.error);
      if (differences.length > 0) throw new Error(`The mart is wrong: ${JSON.stringify(differences)}`);
    });
    const read = await secondsOf(() => readReport(database, {}, '2024-12-31'));
    return { 'verify s': rounded(found, 1), 'report s': rounded(read, 1) };
  });
}

/** All tables and indexes. */
async function megabytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `select sum(pg_total_relation_size(oid)) as bytes from pg_class
     where relkind = 'r' and relnamespace in ('staging'::regnamespace, 'mart'::regnamespace)`,
  );
  return Number(rows[0]?.bytes) / 1e6;
}

async function milliseconds(client: pg.Client, query: string): Promise<number> {
  const seconds: number[] = [];
  for (let round = 0; round < 5; round += 1) seconds.push(await secondsOf(() => client.query(query)));
  return rounded(median(seconds) * 1_000, 1);
}
