import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { plainTable } from '../../client/files-table.ts';
import { writeIncrement } from '../sample-api/write-increment.ts';
import { bareCopy, floor } from './floor.ts';
import { startBenchServer, type BenchServer } from './server.ts';

/** `npm run bench`: the product's load beside `psql \copy` and the same SQL by hand, in turn, medians of rounds. */

interface Loaded {
  total: number;
  seconds: Record<string, number>;
  counts: { rows_read: number; rows_kept: number };
  peakMemory: number;
}

interface Measured {
  rows: number;
  megabytes: number;
  product: number;
  floor: number;
  bareCopy: number;
  ratioToFloor: number;
  rowsPerSecond: number;
  peakMegabytes: number;
  steps: Record<string, number>;
}

/** Of the real files. */
export const ROWS_PER_ORDER = 6.8;
const LOAD_DATE = '2024-03-15';

export async function loadByProduct(url: string, csvPath: string, loadDate: string): Promise<Loaded> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'dev/bench/load-day.ts', url, csvPath, loadDate],
    {
      cwd: path.resolve(import.meta.dirname, '..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`load-day.ts ended with ${code ?? 'a signal'}.`);
  return JSON.parse(printed) as Loaded;
}

async function measure(server: BenchServer, rows: number, rounds: number): Promise<Measured> {
  const directory = path.join(server.directory, String(rows));
  const files = await writeIncrement(directory, LOAD_DATE, { orders: Math.round(rows / ROWS_PER_ORDER) });
  const csvPath = files.user_order_log_inc?.path ?? path.join(directory, 'user_order_log_inc.csv');
  const inNewDatabase = async <T>(work: (url: string) => Promise<T>): Promise<T> => {
    const url = await server.database();
    try {
      return await work(url);
    } finally {
      await server.drop(url);
    }
  };
  const loads: Loaded[] = [];
  const floors: number[] = [];
  const copies: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    loads.push(await inNewDatabase((url) => loadByProduct(url, csvPath, LOAD_DATE)));
    floors.push(await inNewDatabase((url) => floor(url, csvPath, LOAD_DATE)));
    copies.push(await inNewDatabase((url) => bareCopy(url, csvPath)));
  }
  const product = median(loads.map(({ total }) => total));
  const rowsRead = loads[0]?.counts.rows_read ?? 0;
  const steps = Object.keys(loads[0]?.seconds ?? {});
  return {
    rows: rowsRead,
    megabytes: Math.round((await stat(csvPath)).size / 1e6),
    product,
    floor: median(floors),
    bareCopy: median(copies),
    ratioToFloor: product / median(floors),
    rowsPerSecond: Math.round(rowsRead / product),
    peakMegabytes: Math.round(median(loads.map(({ peakMemory }) => peakMemory)) / 1e6),
    steps: Object.fromEntries(
      steps.map((step) => [step, median(loads.map((load) => load.seconds[step] ?? 0))]),
    ),
  };
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

function show(results: Measured[]): string {
  const table = plainTable(
    ['rows', 'MB', 'product s', 'floor s', '\\copy s', 'ratio', 'rows/s', 'peak MB'],
    0,
  );
  for (const result of results) {
    const {
      rows,
      megabytes,
      product,
      floor: byHand,
      bareCopy: copy,
      ratioToFloor,
      rowsPerSecond,
      peakMegabytes,
    } = result;
    table.push([
      rows,
      megabytes,
      product.toFixed(2),
      byHand.toFixed(2),
      copy.toFixed(2),
      ratioToFloor.toFixed(2),
      rowsPerSecond,
      peakMegabytes,
    ]);
  }
  return table.toString();
}

async function main(): Promise<void> {
  const { rows, rounds, out } = new Command('bench')
    .description(
      'Measures the load of orders beside psql \\copy and the same SQL by hand, in one run, in turn.',
    )
    .option('--rows <N,N,…>', 'sizes', '1000,100000,1000000')
    .option('--rounds <N>', 'rounds per size; medians are shown', '5')
    .option('--out <FILE>', 'JSON of the figures', 'var/bench.json')
    .parse()
    .opts<{ rows: string; rounds: string; out: string }>();
  const server = await startBenchServer();
  try {
    const results: Measured[] = [];
    for (const size of rows.split(',').map(Number)) {
      console.error(`${size} rows …`);
      results.push(await measure(server, size, Number(rounds)));
    }
    const machine = {
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      memory: totalmem(),
      node: process.version,
    };
    await writeFile(out, JSON.stringify({ machine, results }, null, 2));
    console.log(show(results));
    for (const { rows: size, steps } of results) {
      console.log(
        `${size}: ${Object.entries(steps)
          .map(([step, s]) => `${step} ${s.toFixed(2)} s`)
          .join(', ')}`,
      );
    }
  } finally {
    await server.close();
  }
}

if (process.argv[1] === import.meta.filename) await main();
