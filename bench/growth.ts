import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import pg from 'pg';
import { plainTable } from '../client/files-table.ts';
import { sql } from '../database/sql.ts';
import { writeIncrement } from '../dev/sample-api/write-increment.ts';
import { loadByProduct, median } from './run.ts';
import { startBenchServer } from './server.ts';

/**
 * `npm run bench:growth`: does one more day cost more the more history there is? Loads a day of 100,000 rows into
 * marts of different sizes, for the first time and again, and asks for retention.
 */

const LOAD_DATE = '2024-12-20';
const ORDERS = 14_706; // 100,000 rows

/** Facts over 104 weeks before the day, straight into staging and mart, as the loads would have left them. */
const HISTORY = `
  insert into staging.user_order_log (
      load_date, id, uniq_id, date_time, city_id, city_name, customer_id, first_name, last_name,
      item_id, item_name, quantity, payment_amount, status
  )
  select
      date '2022-12-23' + (728 * n / $1)::integer,
      n,
      md5(n::text),
      date '2022-12-23' + (728 * n / $1)::integer,
      n % 3, 'Москва', hashint8(n)::bigint & 1048575, 'Анна', 'Великая',
      n % 12, 'Молоко 3%', 1 + n % 5, 100 + n % 400,
      case when n % 50 = 0 then 'refunded' else 'shipped' end
  from generate_series(1::bigint, $1) as n;

  insert into mart.f_sales
  select
      uniq_id, status, to_char(date_time, 'YYYYMMDD')::integer, item_id, customer_id, city_id, quantity,
      case status when 'refunded' then -payment_amount else payment_amount end, load_date, is_history
  from staging.user_order_log;

  insert into mart.d_customer
  select distinct on (customer_id) customer_id, first_name, last_name, city_id, load_date, is_history
  from staging.user_order_log
  order by customer_id, date_time desc, load_date desc, id desc;
`;

interface Grown {
  facts: number;
  first: number;
  again: number;
  retentionMs: number;
  byItemMs: number;
  /** Seconds of each step, of the last first load. */
  steps: Record<string, number>;
}

async function grow(
  server: Awaited<ReturnType<typeof startBenchServer>>,
  facts: number,
  csvPath: string,
  rounds: number,
) {
  const url = await server.database();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    if (facts > 0) {
      for (const statement of HISTORY.replaceAll('$1', String(facts)).split(/;\n/)) {
        if (statement.trim()) await client.query(statement);
      }
      await client.query('vacuum analyze');
      await client.query(sql('mart/f_customer_retention'));
    }
    await client.query('checkpoint').catch(() => undefined);
    const first: number[] = [];
    const again: number[] = [];
    let [retentionMs, byItemMs] = [0, 0];
    let steps: Record<string, number> = {};
    for (let round = 0; round < rounds; round += 1) {
      const loaded = await loadByProduct(url, csvPath, LOAD_DATE);
      first.push(loaded.total);
      steps = loaded.seconds;
      again.push((await loadByProduct(url, csvPath, LOAD_DATE)).total);
      retentionMs = await timed(client, 'select * from mart.f_customer_retention');
      byItemMs = await timed(client, 'select * from mart.f_customer_retention_by_item');
      await forget(client);
    }
    return {
      facts,
      first: median(first),
      again: median(again),
      retentionMs,
      byItemMs,
      steps,
    } satisfies Grown;
  } finally {
    await client.end();
    await server.drop(url);
  }
}

/** Takes the day away again, so that the next round loads it for the first time. */
async function forget(client: pg.Client): Promise<void> {
  for (const table of ['mart.f_sales', 'staging.user_order_log', 'staging.file_load']) {
    await client.query(`delete from ${table} where load_date = '${LOAD_DATE}'`);
    await client.query(`vacuum analyze ${table}`);
  }
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
    .option('--rounds <N>', 'rounds per size; medians are shown', '3')
    .option('--out <FILE>', 'JSON of the figures', 'var/growth.json')
    .parse()
    .opts<{ facts: string; rounds: string; out: string }>();
  const server = await startBenchServer();
  try {
    const directory = path.join(server.directory, 'day');
    const files = await writeIncrement(directory, LOAD_DATE, { orders: ORDERS });
    const csvPath = files.user_order_log_inc?.path ?? '';
    console.error(`a day of ${statSync(csvPath).size} bytes`);
    const results: Grown[] = [];
    for (const size of facts.split(',').map(Number)) {
      console.error(`${size} facts …`);
      results.push(await grow(server, size, csvPath, Number(rounds)));
    }
    await writeFile(out, JSON.stringify(results, null, 2));
    const table = plainTable(
      ['facts before', 'first load s', 'ratio', 'again s', 'ratio', 'retention ms', 'by item ms'],
      0,
    );
    const [base] = results;
    for (const { facts: before, first, again, retentionMs, byItemMs } of results) {
      table.push([
        before,
        first.toFixed(2),
        (first / (base?.first ?? first)).toFixed(2),
        again.toFixed(2),
        (again / (base?.again ?? again)).toFixed(2),
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
