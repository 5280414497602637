import { fork, type ChildProcess } from 'node:child_process';
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
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor() {
    this.#process = fork('dev/bench/load-day.ts', {
      cwd: projectRoot,
      execArgv: ['--max-semi-space-size=4', '--import', './runtime/register.js'],
    });
    this.#ended = once(this.#process, 'exit').then(() => {
      throw new Error('The product has ended.');
    });
    // It ends in the end, when nobody waits for it any more.
    this.#ended.catch(() => undefined);
  }

  static async use<T>(work: (product: Product) => Promise<T>): Promise<T> {
    const product = new Product();
    return await work(product).finally(() => product.#process.disconnect());
  }

  async load(load: Load): Promise<Loaded> {
    this.#process.send(load);
    const [message] = (await Promise.race([once(this.#process, 'message'), this.#ended])) as [Loaded];
    return message;
  }
}

export async function writeOrders(directory: string, loadDate: string, rows: number): Promise<string> {
  const csvPath = path.join(directory, `${loadDate}-${rows}.csv`);
  const { user_order_log_inc: chunks } = generatedFiles(
    'increment',
    [loadDate],
    Math.round(rows / ROWS_PER_ORDER),
  );
  await pipeline(chunks ?? [], createWriteStream(csvPath));
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

/** Seconds of a first load, of the same file again and of a redelivery. */
type Series = [first: number, again: number, redelivered: number];

export async function measureLoads(options: { rows: number[]; rounds: number }): Promise<void> {
  await Product.use((product) => measure(options, product));
}

async function measure(options: { rows: number[]; rounds: number }, worker: Product): Promise<void> {
  const figures = new Figures('load');
  await BenchServer.use(async (server) => {
    for (const rows of options.rows) {
      const csvPath = await writeOrders(server.directory, LOAD_DATE, rows);
      const files = [csvPath, csvPath, await writeRedelivery(csvPath)];
      const product: Series[] = [];
      const byHand: Series[] = [];
      const firsts: Loaded[] = [];
      for (let round = 0; round < options.rounds; round += 1) {
        await server.inNewDatabase(async (url) => {
          const loads: Loaded[] = [];
          for (const file of files)
            loads.push(await worker.load({ url, csvPath: file, loadDate: LOAD_DATE }));
          product.push(loads.map(({ total }) => total) as Series);
          firsts.push(...loads.slice(0, 1));
        });
        await server.inNewDatabase(async (url) => {
          await createByHand(url);
          const seconds: number[] = [];
          for (const file of files) seconds.push(await loadByHand(url, file, LOAD_DATE));
          byHand.push(seconds as Series);
        });
      }
      const [first] = firsts;
      if (!first) throw new Error('There must be at least one round.');
      const floor = median(byHand.map(([seconds]) => seconds));
      const steps = Object.keys(first.seconds).map((step) => {
        return [`${step} s`, rounded(median(firsts.map(({ seconds }) => seconds[step] ?? 0)))];
      });
      await figures.add({
        rows: first.rows,
        ...compared('first', 0, product, byHand),
        ...compared('again', 1, product, byHand),
        'again to the first by hand': rounded(median(product.map((seconds) => seconds[1])) / floor),
        ...compared('redelivery', 2, product, byHand),
        'peak MB': Math.round(median(firsts.map(({ peakMegabytes }) => peakMegabytes))),
        ...(Object.fromEntries(steps) as Record<string, number>),
      });
    }
  });
  figures.print();
}

function compared(name: string, nth: 0 | 1 | 2, product: readonly Series[], byHand: readonly Series[]) {
  const [mine, theirs] = [product, byHand].map((all) => median(all.map((seconds) => seconds[nth])));
  return {
    [`${name} s`]: rounded(mine ?? NaN),
    [`${name} by hand s`]: rounded(theirs ?? NaN),
    [`${name} ratio`]: rounded((mine ?? NaN) / (theirs ?? NaN)),
  };
}
