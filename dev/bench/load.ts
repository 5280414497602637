import path from 'node:path';
import pg from 'pg';
import { addDays } from '../../domain/load-date.ts';
import { writeIncrement } from '../sample-api/write-increment.ts';
import { createByHand, loadByHand } from './by-hand/by-hand.ts';
import { Figures, median, rounded, secondsOf } from './figures.ts';
import { writeHistory } from './history.ts';
import { Product } from './product.ts';
import { BenchServer } from './server.ts';

const FIRST_DAY = '2024-12-20';
/** Of the real files. */
export const ROWS_PER_ORDER = 6.8;

interface LoadOptions {
  rows: number[];
  facts: number[];
  rounds: number;
}

/** A file of orders, whose rows are nearly so many. */
export async function writeOrders(directory: string, loadDate: string, rows: number): Promise<string> {
  const orders = Math.round(rows / ROWS_PER_ORDER);
  const files = await writeIncrement(path.join(directory, `${loadDate}-${rows}`), loadDate, { orders });
  if (files.user_order_log_inc === undefined) throw new Error('The generator wrote no order log.');
  return files.user_order_log_inc;
}

/**
 * Loads days of one week, each with orders of its own, into marts of different sizes: each for the first time, again and
 * by hand; and asks for retention.
 */
export async function measureLoads({ rows, facts, rounds }: LoadOptions): Promise<void> {
  const figures = new Figures('load');
  await BenchServer.use(async (server) => {
    for (const before of facts) {
      for (const size of rows) {
        const days: [loadDate: string, csvPath: string][] = [];
        for (let day = 0; day < rounds; day += 1) {
          const loadDate = addDays(FIRST_DAY, day);
          days.push([loadDate, await writeOrders(server.directory, loadDate, size)]);
        }
        const measured = await server.inNewDatabase((url) => measure(url, before, days));
        await figures.add({ 'facts before': before, rows: size, ...measured });
      }
    }
  });
  figures.print();
}

async function measure(url: string, facts: number, days: readonly [string, string][]) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const product = new Product(url);
  try {
    await createByHand(url);
    if (facts > 0) await writeHistory(client, facts);
    const [first, again, byHand, grown]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (const [loadDate, csvPath] of days) {
      first.push(await secondsOf(() => product.load(csvPath, loadDate)));
      const before = await megabytes(client);
      again.push(await secondsOf(() => product.load(csvPath, loadDate)));
      grown.push((await megabytes(client)) - before);
      byHand.push(await loadByHand(url, csvPath, loadDate));
    }
    return {
      'first load s': rounded(median(first)),
      'by hand s': rounded(median(byHand)),
      ratio: rounded(median(first) / median(byHand)),
      'again s': rounded(median(again)),
      'MB grown by the rerun': rounded(median(grown), 1),
      'retention ms': await milliseconds(client, 'select * from mart.f_customer_retention'),
      'by item ms': await milliseconds(client, 'select * from mart.f_customer_retention_by_item'),
    };
  } finally {
    await product.close();
    await client.end();
  }
}

/** Of all tables and indexes. */
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
