import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { projectRoot } from '../../runtime/project-root.ts';
import { generatedFiles } from '../sample-api/generate-increment.ts';
import { createByHand, loadByHand } from './by-hand/by-hand.ts';
import { Figures, median, rounded } from './figures.ts';
import type { Load, Loaded } from './load-day.ts';
import { BenchServer } from './server.ts';

/** In the real files. */
const ROWS_PER_ORDER = 6.8;
const LOAD_DATE = '2024-03-15';

/** The product's own code in one process for all loads, as warm as a worker that has loaded days before. */
export class Product {
  readonly #process = fork('dev/bench/load-day.ts', {
    cwd: projectRoot,
    execArgv: ['--max-semi-space-size=4', '--import', './runtime/register.js'],
  });
  readonly #ended = new AbortController();

  private constructor() {
    this.#process.once('exit', () => this.#ended.abort());
  }

  static async use<T>(work: (product: Product) => Promise<T>): Promise<T> {
    const product = new Product();
    return await work(product).finally(() => product.#process.disconnect());
  }

  async load(load: Load): Promise<Loaded> {
    this.#process.send(load);
    const [loaded] = (await once(this.#process, 'message', this.#ended)) as [Loaded];
    return loaded;
  }
}

export async function writeOrders(directory: string, loadDate: string, rows: number): Promise<string> {
  const csvPath = path.join(directory, `${loadDate}-${rows}.csv`);
  const files = generatedFiles('increment', [loadDate], Math.round(rows / ROWS_PER_ORDER));
  await pipeline(files.user_order_log_inc ?? [], createWriteStream(csvPath));
  return csvPath;
}

/** The same delivery with a 16th of its orders taken away and another 16th changed. */
async function writeRedelivery(csvPath: string): Promise<string> {
  const redelivery = `${csvPath}.redelivery`;
  await pipeline(async function* () {
    for await (const line of createInterface({ input: createReadStream(csvPath) })) {
      const [id, uniqId = '', dateTime, ...others] = line.split(',');
      if (uniqId.endsWith('0')) continue;
      const changed = uniqId.endsWith('1') ? dateTime?.replace('T00:', 'T01:') : dateTime;
      yield `${[id, uniqId, changed, ...others].join(',')}\r\n`;
    }
  }, createWriteStream(redelivery));
  return redelivery;
}

export async function measureLoads({ rows, rounds }: { rows: number[]; rounds: number }): Promise<void> {
  const figures = new Figures('load');
  await Product.use((product) =>
    BenchServer.use(async (server) => {
      for (const size of rows) await figures.add(await measure(server, product, size, rounds));
    }),
  );
  figures.print();
}

/** A first load, the same file again and a redelivery, so many rounds. */
async function measure(server: BenchServer, product: Product, rows: number, rounds: number) {
  const csvPath = await writeOrders(server.directory, LOAD_DATE, rows);
  const files = [csvPath, csvPath, await writeRedelivery(csvPath)];
  const loads: Loaded[][] = files.map(() => []);
  const byHand: number[][] = files.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    await server.inNewDatabase(async (url) => {
      for (const [nth, file] of files.entries())
        loads[nth]?.push(await product.load({ url, csvPath: file, loadDate: LOAD_DATE }));
    });
    await server.inNewDatabase(async (url) => {
      await createByHand(url);
      for (const [nth, file] of files.entries()) byHand[nth]?.push(await loadByHand(url, file, LOAD_DATE));
    });
  }
  const [firsts = []] = loads;
  const [first, again, redelivery] = loads.map((series) => median(series.map(({ total }) => total)));
  const [firstByHand = NaN, againByHand, redeliveryByHand] = byHand.map(median);
  const steps = Object.keys(firsts[0]?.seconds ?? {}).map((step): [string, number] => {
    return [`${step} s`, rounded(median(firsts.map(({ seconds }) => seconds[step] ?? 0)))];
  });
  return {
    rows: firsts[0]?.rows ?? 0,
    ...compared('first', first, firstByHand),
    ...compared('again', again, againByHand),
    'again to the first by hand': rounded((again ?? NaN) / firstByHand),
    ...compared('redelivery', redelivery, redeliveryByHand),
    'peak MB': Math.round(median(firsts.map(({ peakMegabytes }) => peakMegabytes))),
    ...Object.fromEntries(steps),
  };
}

function compared(name: string, mine = NaN, theirs = NaN): Record<string, number> {
  return {
    [`${name} s`]: rounded(mine),
    [`${name} by hand s`]: rounded(theirs),
    [`${name} ratio`]: rounded(mine / theirs),
  };
}
