import pg from 'pg';
import { addDays } from '../../domain/load-date.ts';
import { createByHand, loadByHand } from './by-hand/by-hand.ts';
import { Figures, median, rounded, secondsOf } from './figures.ts';
import { writeHistory } from './history.ts';
import { loadByProduct, writeOrders } from './load.ts';
import { BenchServer } from './server.ts';

const FIRST_DAY = '2024-12-20';
const ROWS = 100_000;

interface Day {
  loadDate: string;
  csvPath: string;
}

/**
 * Does one more day cost more the more history there is? Loads days into marts of different sizes, each for the first
 * time, again and by hand, and asks for retention.
 */
export async function measureGrowth(options: { facts: number[]; rounds: number }): Promise<void> {
  const figures = new Figures('growth');
  await BenchServer.use(async (server) => {
    // Days of one week, each with orders of its own.
    const days: Day[] = [];
    for (let day = 0; day < options.rounds; day += 1) {
      const loadDate = addDays(FIRST_DAY, day);
      days.push({ loadDate, csvPath: await writeOrders(server.directory, loadDate, ROWS) });
    }
    for (const facts of options.facts) {
      await figures.add(await server.inNewDatabase((url) => measure(url, facts, days)));
    }
  });
  figures.print();
}

async function measure(url: string, facts: number, days: readonly Day[]): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await createByHand(url);
    if (facts > 0) await writeHistory(client, facts);
    const byHand: number[] = [];
    const first: number[] = [];
    const again: number[] = [];
    const grown: number[] = [];
    for (const { loadDate, csvPath } of days) {
      first.push((await loadByProduct(url, csvPath, loadDate)).total);
      const before = await megabytes(client);
      again.push((await loadByProduct(url, csvPath, loadDate)).total);
      grown.push((await megabytes(client)) - before);
      byHand.push(await loadByHand(url, csvPath, loadDate));
    }
    return {
      'facts before': facts,
      'first load s': rounded(median(first)),
      'by hand s': rounded(median(byHand)),
      ratio: rounded(median(first) / median(byHand)),
      'again s': rounded(median(again)),
      'MB grown by the rerun': rounded(median(grown), 1),
      'retention ms': await milliseconds(client, 'select * from mart.f_customer_retention'),
      'by item ms': await milliseconds(client, 'select * from mart.f_customer_retention_by_item'),
    };
  } finally {
    await client.end();
  }
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
