import { readFile } from 'node:fs/promises';
import { createPool } from '../../database/pool.ts';
import { Database } from '../../database/database.ts';
import { createHash } from 'node:crypto';
import { ORDERS } from '../../domain/feeds.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { stageFile } from '../../pipeline/load/stage-file.ts';
import { updateDimension, updateFacts } from '../../pipeline/load/update-mart.ts';
import { checkFile } from '../../pipeline/validate/check-file.ts';

/**
 * One load by the product's own code, in a process of its own so that its peak memory can be told:
 * `load-day.ts DATABASE_URL CSV LOAD_DATE`. Prints one JSON document.
 */
const [url = '', csvPath = '', loadDate = ''] = process.argv.slice(2);

const pool = createPool({
  connectionString: url,
  applicationName: 'bench',
  maxConnections: 2,
  onIdleError: console.error,
});
const database = new Database(pool);
await database.transaction(() => Promise.resolve());

const delivery = { loadDate, source: 'increment' } as const;
const paths = { csv: csvPath, rows: `${csvPath}.rows`, rejected: `${csvPath}.rejected` };
const csv = await readFile(csvPath);
const landed = {
  ...delivery,
  feed: ORDERS,
  bytes: csv.length,
  sha256: createHash('sha256').update(csv).digest('hex'),
};
const seconds: Record<string, number> = {};

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  seconds[name] = (performance.now() - started) / 1_000;
  return result;
}

const started = performance.now();
const deliveryNumber = await nextDeliveryNumber(database);
const file = await timed('check', () =>
  checkFile(paths, { ...landed, deliveryNumber }, { maxRejectedShare: 0.1 }),
);
const run = { workflowId: 'bench', runId: 'bench', attempt: 1, startedAt: new Date() };
const staged = await timed('stage', () =>
  stageFile(database, paths, file, run, new AbortController().signal),
);
for (const dimension of ['d_city', 'd_item', 'd_customer'] as const) {
  await timed(dimension, () => updateDimension(database, dimension, delivery));
}
await timed('f_sales', () => database.transaction((session) => updateFacts(session, delivery)));
const total = (performance.now() - started) / 1_000;
await pool.end();
console.log(JSON.stringify({ total, seconds, counts: staged.counts, peakMemory: await peakMemory() }));

/** Bytes; the kernel's own high-water mark of this process. */
async function peakMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kilobytes = /VmHWM:\s+(\d+)/.exec(status)?.[1];
  return kilobytes === undefined ? process.resourceUsage().maxRSS * 1024 : Number(kilobytes) * 1024;
}
