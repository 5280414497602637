import { readFile } from 'node:fs/promises';
import { createPool } from '../../database/pool.ts';
import { Database } from '../../database/database.ts';
import { prepareFile } from '../../pipeline/validate/check-file.ts';
import { MART_STEPS, updateMart } from '../../pipeline/load/update-mart.ts';
import { stageFile } from '../../pipeline/load/stage-file.ts';

/**
 * One load by the product's own code, in a process of its own so that its peak memory can be told:
 * `load-day.ts DATABASE_URL CSV LOAD_DATE`. Prints one JSON document.
 */
const [url = '', csvPath = '', loadDate = ''] = process.argv.slice(2);
const FILE = 'user_order_log_inc';

const pool = createPool({
  connectionString: url,
  applicationName: 'bench',
  maxConnections: 2,
  onIdleError: console.error,
});
const database = new Database(pool);
await database.transaction(() => Promise.resolve());

const delivery = { loadDate, kind: 'increment' } as const;
const rowsPath = `${csvPath}.rows`;
const rejectedPath = `${csvPath}.rejected`;
const seconds: Record<string, number> = {};

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  seconds[name] = (performance.now() - started) / 1_000;
  return result;
}

const started = performance.now();
const prepared = await timed('check', () =>
  prepareFile({ csvPath, file: FILE, loadDate, rowsPath, rejectedPath, maxRejectedShare: 0.1 }),
);
const [number] = await database.query<{ delivery: string }>('audit/next_delivery');
const file = { file: FILE, delivery: Number(number?.delivery), ...prepared };
const run = { workflowId: 'bench', runId: 'bench', attempt: 1, startedAt: new Date() };
const staged = await timed('stage', () =>
  stageFile(database, { delivery, file, rowsPath, rejectedPath, run }, new AbortController().signal),
);
for (const step of MART_STEPS) {
  await timed(step, () => database.transaction((session) => updateMart(session, step, delivery)));
}
const total = (performance.now() - started) / 1_000;
await pool.end();
console.log(JSON.stringify({ total, seconds, counts: staged.counts, peakMemory: await peakMemory() }));

/** Bytes; the kernel's own high-water mark of this process. */
async function peakMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kilobytes = /VmHWM:\s+(\d+)/.exec(status)?.[1];
  return kilobytes === undefined ? process.resourceUsage().maxRSS * 1024 : Number(kilobytes) * 1024;
}
