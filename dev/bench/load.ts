import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../runtime/project-root.ts';
import { writeIncrement } from '../sample-api/write-increment.ts';
import { Figures, median, rounded } from './figures.ts';
import { bareCopy, floor } from './floor.ts';
import { BenchServer } from './server.ts';

const execFileAsync = promisify(execFile);

interface Loaded {
  total: number;
  /** Seconds by step. */
  seconds: Record<string, number>;
  rows: number;
  peakMegabytes: number;
}

/** Of the real files. */
export const ROWS_PER_ORDER = 6.8;
const LOAD_DATE = '2024-03-15';

/** A load by the product, in a process of its own. */
export async function loadByProduct(url: string, csvPath: string, loadDate: string): Promise<Loaded> {
  const args = ['--import', './runtime/register.js', 'dev/bench/load-day.ts', csvPath, loadDate];
  const { stdout } = await execFileAsync(process.execPath, args, {
    cwd: projectRoot,
    env: { ...process.env, DATABASE_URL: url },
  });
  return JSON.parse(stdout) as Loaded;
}

export async function writeOrders(directory: string, loadDate: string, rows: number): Promise<string> {
  const orders = Math.round(rows / ROWS_PER_ORDER);
  const files = await writeIncrement(path.join(directory, `${loadDate}-${rows}`), loadDate, { orders });
  if (files.user_order_log_inc === undefined) throw new Error('The generator wrote no order log.');
  return files.user_order_log_inc;
}

export async function measureLoads(options: { rows: number[]; rounds: number }): Promise<void> {
  const figures = new Figures('load');
  await BenchServer.use(async (server) => {
    for (const rows of options.rows) {
      const csvPath = await writeOrders(server.directory, LOAD_DATE, rows);
      const loads: Loaded[] = [];
      const floors: number[] = [];
      const copies: number[] = [];
      for (let round = 0; round < options.rounds; round += 1) {
        loads.push(await server.inNewDatabase((url) => loadByProduct(url, csvPath, LOAD_DATE)));
        floors.push(await server.inNewDatabase((url) => floor(url, csvPath, LOAD_DATE)));
        copies.push(await server.inNewDatabase((url) => bareCopy(url, csvPath)));
      }
      const [first] = loads;
      if (!first) throw new Error('There must be at least one round.');
      const product = median(loads.map(({ total }) => total));
      const steps = Object.keys(first.seconds).map((step) => {
        return [`${step} s`, rounded(median(loads.map(({ seconds }) => seconds[step] ?? 0)))];
      });
      await figures.add({
        rows: first.rows,
        MB: Math.round((await stat(csvPath)).size / 1e6),
        'product s': rounded(product),
        'floor s': rounded(median(floors)),
        '\\copy s': rounded(median(copies)),
        'ratio to the floor': rounded(product / median(floors)),
        'rows/s': Math.round(first.rows / product),
        'peak MB': Math.round(median(loads.map(({ peakMegabytes }) => peakMegabytes))),
        ...(Object.fromEntries(steps) as Record<string, number>),
      });
    }
  });
  figures.print();
}
