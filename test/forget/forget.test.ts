import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Forgotten } from '../../schemas/documents.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { stagingLock } from '../../database/locks.ts';
import type { salesIncrement } from '../../workflows/index.ts';
import { until } from '../client/harness.ts';
import type { Order } from '../support/deliveries.ts';
import { FAST_OPTIONS } from '../support/fast-options.ts';
import { dump } from '../support/dump.ts';
import { client } from '../support/client.ts';
import { resetPoints, resetRun } from '../support/reset.ts';
import { TestStack } from '../support/stack.ts';
import { ID, named, NAMES, namesInDatabase, namesInFiles, NEW_NAMES, UNCHANGED } from './support.ts';

const stack = await TestStack.start({ worker: false, settings: { HOUSEKEEPING_INTERVAL: '200ms' } });
const otherDir = await mkdtemp(path.join(tmpdir(), 'landing-'));
after(async () => {
  await stack.close();
  await rm(otherDir, { recursive: true });
});

const FORGET = ['forget', '--customer', String(ID)];
/** Starts a day with orders of the customer and of another one, and a bad row of the first. */
async function start(date: string, { names = NAMES, taskQueue = stack.taskQueue, id = date } = {}) {
  stack.deliveries.set(date, [
    named({ uniq_id: date }, names),
    named({ uniq_id: `${date} bad`, quantity: 'two' }, names),
    ...Array.from({ length: 10 }, (_, index): Order => ({ uniq_id: `${date} ${index}`, customer_id: 2 })),
  ]);
  return await stack.client.workflow.start<typeof salesIncrement>('salesIncrement', {
    workflowId: `${stack.taskQueue}-${id}`,
    taskQueue,
    args: [{ loadDate: date, options: FAST_OPTIONS }],
  });
}

async function load(...[date, options]: Parameters<typeof start>): Promise<void> {
  assert.equal((await (await start(date, options)).result()).outcome, 'loaded');
}

const whereNamed = async () => ({
  database: await namesInDatabase(stack.db.pool),
  files: [namesInFiles(stack.landingDir), namesInFiles(otherDir)],
});
const NOWHERE = { database: [], files: [[], []] };

test('old landed files and rejected rows go by a timer, without a day to load', async () => {
  const worker = await stack.startWorker({ LANDING_RETENTION: '1s', REJECTED_RETENTION: '1s' });
  await load('2024-03-01');
  const loads = await dump(stack.db.pool, ['file_load']);
  await until('they are gone', async () => {
    const landed = (await readdir(stack.landingDir)).filter((name) => !name.startsWith('.'));
    return landed.length === 0 && (await stack.rows('select from staging.rejected_row')).length === 0;
  });
  assert.equal(await dump(stack.db.pool, ['file_load']), loads, 'the counts stay');
  worker.stop();
  await worker.stopped;
});

test('a customer is forgotten in the database and on the disks of two workers, also in what a run has landed and not staged', async (t) => {
  const other = `${stack.taskQueue}-other`;
  await stack.startWorker();
  await stack.startWorker({ LANDING_DIR: otherDir, TEMPORAL_TASK_QUEUE: other });
  await load('2024-03-02');
  await load('2024-03-03', { taskQueue: other });

  const holder = await stack.db.pool.connect();
  t.after(() => {
    holder.release(true);
  });
  const lock = stagingLock('2024-03-04', 'user_order_log_inc');
  await holder.query('begin');
  await holder.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lock]);
  const run = await start('2024-03-04');
  await until('the run waits to stage its orders, and has staged the rest', async () => {
    const [row] = await stack.rows(
      `select (select count(*) from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())) = 1
         and (select count(*) from staging.file_load where load_date = '2024-03-04') = $1 as waits`,
      [FEEDS.length - 1],
    );
    return row?.['waits'] === true;
  });
  await stack.db.pool.query('analyze');
  const before = await dump(stack.db.pool, UNCHANGED);
  const found = await whereNamed();
  for (const table of ['incoming_user_order_log', 'user_order_log', 'rejected_row'])
    assert.ok(found.database.includes(`staging.${table}`), table);
  assert.ok(found.database.includes('mart.d_customer') && found.files.every(({ length }) => length > 0));

  const { code, stdout, stderr } = await client([...FORGET, '--customer', '1'], stack.environment);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stderr, /^Waiting for the workers to remove landed files\.$/m);
  assert.match(
    stdout,
    /^Customer 4711: names removed from 3 staged orders and 1 rows of mart\.d_customer, the text of 2 rejected rows removed/m,
  );
  assert.match(
    stdout,
    /^Customer 1: no name was found; names that are delivered from now on are left out\.$/m,
  );
  const removed = [...stdout.matchAll(/^Landing directory .* on .*: (\d+) landed files removed\.$/gm)];
  assert.deepEqual(
    [removed.length, removed.reduce((sum, [, count]) => sum + Number(count), 0)],
    [2, 3 * FEEDS.length],
  );
  assert.deepEqual(await whereNamed(), NOWHERE);
  assert.equal(await dump(stack.db.pool, UNCHANGED), before);

  await holder.query('commit');
  assert.equal((await run.result()).outcome, 'loaded');
  const { events } = await run.fetchHistory();
  const downloads = events?.filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'landFile',
  );
  assert.equal(downloads?.length, FEEDS.length, 'nothing was downloaded twice');
  assert.deepEqual(await whereNamed(), NOWHERE);
});

test('and stays so, whatever is loaded', async () => {
  await load('2024-03-02', { names: NEW_NAMES, id: 'redelivery' });
  await load('2024-03-05', { names: NEW_NAMES });
  const id = `${stack.taskQueue}-2024-03-02`;
  const { runId } = await stack.client.workflow.getHandle(id).describe();
  const points = await resetPoints(stack, id, runId);
  for (const point of [points[0], points.at(-1)])
    if (point) assert.equal(await resetRun(stack, id, runId, point), 'loaded');
  assert.deepEqual(await whereNamed(), NOWHERE);
  const orders = await stack.rows(
    'select from staging.user_order_log where customer_id = $1 and first_name is null',
    [ID],
  );
  assert.equal(orders.length, 5);
});

test('a worker that has stopped is reported; its files go when it starts again', async () => {
  await stack.stopWorkers();
  const directory = path.join(stack.landingDir, '2024-03-06');
  await mkdir(directory);
  await writeFile(path.join(directory, 'user_order_log_inc.1.csv'), NAMES.join(','));
  const pending = await client([...FORGET, '--json'], stack.environment);
  const states = ({ landings }: Forgotten) =>
    landings.map(({ state, files_removed }) => [state, files_removed]);
  assert.equal(pending.code, 1);
  assert.deepEqual(states(JSON.parse(pending.stdout) as Forgotten), Array(2).fill(['pending', 0]));
  assert.match(pending.stderr, /^The names are removed from the database, but landed files may remain\./m);
  const again = await client([...FORGET, '--json'], stack.environment);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(states(JSON.parse(again.stdout) as Forgotten), Array(2).fill(['absent', 0]));
  assert.notDeepEqual((await whereNamed()).files, NOWHERE.files);
  await stack.startWorker();
  await until('its files are gone', () => namesInFiles(stack.landingDir).length === 0);
});
