import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createPool } from '../../database/pool.ts';
import { Database } from '../../database/database.ts';
import { ORDERS } from '../../domain/feeds.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { stageFile } from '../../pipeline/load/stage-file.ts';
import { updateDimension, updateFacts } from '../../pipeline/load/update-mart.ts';
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
const paths = { csv: csvPath, rows: `${csvPath}.rows`, rejected: `${csvPath}.rejected` };
const hash = createHash('sha256');
await pipeline(createReadStream(csvPath), hash);
const landed = {
  ...delivery,
  feed: ORDERS,
  bytes: (await stat(csvPath)).size,
  sha256: hash.digest('hex'),
  warnings: [],
};
const seconds: Record<string, number> = {};
let rows = 0;

const total = await secondsOf(async () => {
  const deliveryNumber = await nextDeliveryNumber(database);
  const file = await timed('check', () =>
    checkFile(paths, { ...landed, deliveryNumber }, { maxRejectedShare: 0.1 }),
  );
  const run = { workflowId: 'bench', runId: 'bench', attempt: 1, startedAt: new Date() };
  const staged = await timed('stage', () =>
    stageFile(database, paths, file, run, new AbortController().signal),
  );
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

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  seconds[name] = (performance.now() - started) / 1_000;
  return result;
}
