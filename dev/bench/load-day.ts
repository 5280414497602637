import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createPool } from '../../database/pool.ts';
import { Database } from '../../database/database.ts';
import { ORDERS } from '../../domain/feeds.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { landRows } from '../../pipeline/load/land-rows.ts';
import { stageFile } from '../../pipeline/load/stage-file.ts';
import { updateDimension, updateFacts } from '../../pipeline/load/update-mart.ts';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile } from '../../pipeline/validate/check-file.ts';
import { megabytesOf, secondsOf } from './figures.ts';

/**
 * One load by the product's own code, in a process of its own so that its peak memory is known:
 * `load-day.ts CSV LOAD_DATE`, with DATABASE_URL. Prints one JSON document.
 */
const [csvPath = '', loadDate = ''] = process.argv.slice(2);

const pool = createPool({
  connectionString: process.env.DATABASE_URL ?? '',
  applicationName: 'bench',
  maxConnections: 3,
  onIdleError: console.error,
});
const database = new Database(pool);
await database.transaction(() => Promise.resolve());

const delivery = { loadDate, source: 'increment' } as const;
const seconds: Record<string, number> = {};
let rows = 0;

const total = await secondsOf(async () => {
  const deliveryNumber = await nextDeliveryNumber(database);
  const file = { ...delivery, feed: ORDERS, deliveryNumber };
  const spooled = new CheckedRows(path.dirname(csvPath), deliveryNumber);
  const hash = createHash('sha256');
  const checked = await timed('check', () =>
    checkFile(hashed(hash), ORDERS, spooled, { maxRejectedShare: 0.1 }),
  );
  const landed = { ...file, bytes: (await stat(csvPath)).size, sha256: hash.digest('hex'), ...checked };
  const signal = new AbortController().signal;
  await timed('land', () => landRows(database, landed, spooled, signal));
  await spooled.close();
  const run = { workflowId: 'bench', runId: 'bench', attempt: 1, startedAt: new Date() };
  const { staged } = await timed('stage', () => stageFile(database, file, run, signal));
  rows = staged.counts.rows_read;
  // Side by side, as in the workflow.
  await timed('dimensions', () =>
    Promise.all(
      (['d_city', 'd_item', 'd_customer'] as const).map((name) => updateDimension(database, name, delivery)),
    ),
  );
  await timed('f_sales', () => database.transaction((session) => updateFacts(session, delivery)));
});
await pool.end();
console.log(JSON.stringify({ total, seconds, rows, peakMegabytes: await megabytesOf('self', 'VmHWM') }));

async function* hashed(hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(csvPath) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  seconds[name] = (performance.now() - started) / 1_000;
  return result;
}
