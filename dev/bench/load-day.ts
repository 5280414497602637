import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Database } from '../../database/database.ts';
import { fileName, ORDERS } from '../../domain/feeds.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { landRows } from '../../pipeline/load/land-rows.ts';
import { recordLoaded } from '../../pipeline/load/outcome.ts';
import { stageFile } from '../../pipeline/load/stage-file.ts';
import { DIMENSIONS, updateDimension, updateFacts } from '../../pipeline/load/update-mart.ts';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile } from '../../pipeline/validate/check-file.ts';
import { megabytesOf, secondsOf } from './figures.ts';
import { withDatabase } from './server.ts';

export interface Load {
  url: string;
  csvPath: string;
  loadDate: string;
}

export interface Loaded {
  total: number;
  /** Seconds by step. */
  seconds: Record<string, number>;
  rows: number;
  peakMegabytes: number;
}

/** Loads by the product's own code, in a process of their own as in a worker: one for each `Load` that is sent to it. */
process.on('message', (message: Load) => {
  void withDatabase(message.url, (database) => load(database, message)).then((loaded) =>
    process.send?.(loaded),
  );
});

async function load(database: Database, { csvPath, loadDate }: Load): Promise<Loaded> {
  await database.transaction(() => Promise.resolve()); // connected
  await writeFile('/proc/self/clear_refs', '5'); // the peak begins anew

  const delivery = { loadDate, source: 'increment' } as const;
  const seconds: Record<string, number> = {};
  let rows = 0;
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - started) / 1_000;
    return result;
  };

  const total = await secondsOf(async () => {
    const deliveryNumber = await nextDeliveryNumber(database);
    const file = { ...delivery, feed: ORDERS, deliveryNumber };
    const spooled = new CheckedRows(path.dirname(csvPath), deliveryNumber);
    const hash = createHash('sha256');
    const checked = await timed('check', () =>
      checkFile(hashed(csvPath, hash), ORDERS, spooled, { maxRejectedShare: 0.1 }),
    );
    const landed = { ...file, bytes: (await stat(csvPath)).size, sha256: hash.digest('hex'), ...checked };
    const signal = new AbortController().signal;
    await timed('land', () => landRows(database, landed, spooled, signal));
    await spooled.close();
    const run = { workflowId: 'bench', runId: 'bench', attempt: 1, startedAt: new Date() };
    const startedAt = run.startedAt.toISOString();
    const { staged } = await timed('stage', () => stageFile(database, file, run, signal));
    rows = staged.counts.rows_read;
    await timed('dimensions', async () => {
      for (const dimension of DIMENSIONS) await updateDimension(database, dimension, delivery);
    });
    await timed('f_sales', () =>
      database.transaction(async (session) => {
        await updateFacts(session, delivery);
        const request = { files: [fileName(file)], acceptedMissing: null, volumeAlertShare: 0.5 };
        await recordLoaded(session, delivery, { ...request, number: deliveryNumber, startedAt }, run);
      }),
    );
  });
  return { total, seconds, rows, peakMegabytes: await megabytesOf('self', 'VmHWM') };
}

async function* hashed(csvPath: string, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(csvPath) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}
