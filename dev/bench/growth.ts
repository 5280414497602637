import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import pg from 'pg';
import { plainTable } from '../../client/files-table.ts';
import { writeIncrement } from '../sample-api/write-increment.ts';
import { addDays } from '../../domain/load-date.ts';
import { writeHistory } from './history.ts';
import { loadByProduct, median } from './run.ts';
import { startBenchServer, type BenchServer } from './server.ts';

/**
 * `npm run bench:growth`: does one more day cost more the more history there is? Loads days of 100,000 rows into
 * marts of different sizes, each for the first time and again, and asks for retention.
 */

const FIRST_DAY = '2024-12-20';
const ORDERS = 14_706; // 100,000 rows

interface Grown {
  facts: number;
  first: number;
  again: number;
  /** By how much the tables and indexes grew when the days were loaded again. */
  againMegabytes: number;
  retentionMs: number;
  byItemMs: number;
  /** Seconds of each step, of the last first load. */
  steps: Record<string, number>;
}

interface Day {
  loadDate: string;
  csvPath: string;
}

async function grow(server: BenchServer, facts: number, days: Day[]): Promise<Grown> {
  const url = await server.database();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    if (facts > 0) await writeHistory(client, facts);
    const first: number[] = [];
    const again: number[] = [];
    const grown: number[] = [];
    let steps: Record<string, number> = {};
    for (const { loadDate, csvPath } of days) {
      const loaded = await loadByProduct(url, csvPath, loadDate);
      first.push(loaded.total);
      steps = loaded.seconds;
      const before = await megabytes(client);
      again.push((await loadByProduct(url, csvPath, loadDate)).total);
      grown.push((await megabytes(client)) - before);
    }
    return {
      facts,
      first: median(first),
      again: median(again),
      againMegabytes: median(grown),
      retentionMs: await timed(client, 'select * from mart.f_customer_retention'),
      byItemMs: await timed(client, 'select * from mart.f_customer_retention_by_item'),
      steps,
    };
  } finally {
    await client.end();
    await server.drop(url);
  }
}

async function megabytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `select sum(pg_total_relation_size(oid)) as bytes from pg_class
     where relkind = 'r' and relnamespace in ('staging'::regnamespace, 'mart'::regnamespace)`,
  );
  return Number(rows[0]?.bytes) / 1e6;
}

/** Days of one week, each with orders of its own. */
async function writeDays(directory: string, count: number): Promise<Day[]> {
  const days: Day[] = [];
  for (let day = 0; day < count; day += 1) {
    const loadDate = addDays(FIRST_DAY, day);
    const files = await writeIncrement(path.join(directory, loadDate), loadDate, { orders: ORDERS });
    days.push({ loadDate, csvPath: files.user_order_log_inc?.path ?? '' });
  }
  return days;
}

async function timed(client: pg.Client, query: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const started = performance.now();
    await client.query(query);
    times.push(performance.now() - started);
  }
  return median(times);
}

async function main(): Promise<void> {
  const { facts, rounds, out } = new Command('bench:growth')
    .description('Measures the cost of one more day of 100,000 rows beside different sizes of history.')
    .option('--facts <N,N,…>', 'sizes of history', '0,1000000,10000000')
    .option('--rounds <N>', 'days per size, each loaded twice; medians are shown', '3')
    .option('--out <FILE>', 'JSON of the figures', 'var/growth.json')
    .parse()
    .opts<{ facts: string; rounds: string; out: string }>();
  const server = await startBenchServer();
  try {
    const days = await writeDays(server.directory, Number(rounds));
    const results: Grown[] = [];
    for (const size of facts.split(',').map(Number)) {
      console.error(`${size} facts …`);
      results.push(await grow(server, size, days));
    }
    await writeFile(out, JSON.stringify(results, null, 2));
    const table = plainTable(
      ['facts before', 'first load s', 'ratio', 'again s', 'ratio', 'grown MB', 'retention ms', 'by item ms'],
      0,
    );
    const [base] = results;
    for (const { facts: before, first, again, againMegabytes, retentionMs, byItemMs } of results) {
      table.push([
        before,
        first.toFixed(2),
        (first / (base?.first ?? first)).toFixed(2),
        again.toFixed(2),
        (again / (base?.again ?? again)).toFixed(2),
        againMegabytes.toFixed(1),
        retentionMs.toFixed(1),
        byItemMs.toFixed(1),
      ]);
    }
    console.log(table.toString());
    for (const { facts: before, steps } of results) console.log(before, JSON.stringify(steps));
  } finally {
    await server.close();
  }
}

if (process.argv[1] === import.meta.filename) await main();
