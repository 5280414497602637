import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Forgotten } from '../../schemas/documents.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { stagingLock } from '../../database/locks.ts';
import { stackFor, startWorkerProcess, until } from '../client/harness.ts';
import { ordersCsv, type Order } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';
import { client, type Ended } from '../support/processes.ts';
import { resetPoints, resetRun } from '../support/reset.ts';
import type { TestStack } from '../support/stack.ts';
import { ID, named, namesInDatabase, namesInFiles, NEW_NAMES } from './support.ts';

const SETTINGS = { HOUSEKEEPING_INTERVAL: '200ms' };
const FORGET = ['forget', '--customer', String(ID)];
const UNCHANGED = [
  ...['user_activity_log', 'customer_research', 'price_log', 'file_load', 'day_load'],
  ...['d_calendar', 'd_city', 'd_item', 'f_sales', 'f_customer_retention', 'f_customer_retention_by_item'],
];

/** Orders of the customer and of another one, and a bad row of the first. */
const orders = (uniqId: string, names?: readonly string[]): Order[] => [
  named({ uniq_id: uniqId }, names),
  named({ uniq_id: `${uniqId} bad`, quantity: 'two' }, names),
  ...Array.from({ length: 10 }, (_, index) => ({ uniq_id: `${uniqId} ${index}`, customer_id: 2 })),
];

/** A directory for a second worker. */
async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'landing-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function forget(stack: TestStack, code: 0 | 1 = 0): Promise<Forgotten> {
  const ended = await client([...FORGET, '--json'], stack.environment);
  assert.equal(ended.code, code, ended.stdout + ended.stderr);
  return JSON.parse(ended.stdout) as Forgotten;
}

const ended = ({ code, stderr }: Ended) => assert.equal(code, 0, stderr);

test('a customer is forgotten in the database and on the disks of two workers, and stays so whatever is loaded', async (t) => {
  const stack = await stackFor(t, { settings: { ...SETTINGS, MAX_REJECTED_SHARE: '0.5' } });
  const otherDir = await scratch(t);
  await startWorkerProcess(t, stack, { LANDING_DIR: otherDir });
  const days: string[] = [];
  const landed = async () => [await namesInFiles(stack.landingDir), await namesInFiles(otherDir)];
  // Either worker may take a day.
  while ((await landed()).some((files) => files.length === 0)) {
    assert.ok(days.length < 28, 'both workers take days');
    const day = `2024-03-${String(days.length + 1).padStart(2, '0')}`;
    stack.deliveries.set(day, orders(day));
    await stack.runDay(day, { maxRejectedShare: 0.5 });
    days.push(day);
  }
  await stack.db.pool.query('analyze');
  const inDatabase = await namesInDatabase(stack.db.pool);
  for (const table of ['staging.user_order_log', 'staging.rejected_row', 'mart.d_customer'])
    assert.ok(inDatabase.includes(table), table);
  const before = await dump(stack.db.pool, UNCHANGED);

  const { customers, landings, error } = await forget(stack);
  const [customer] = customers;
  assert.equal(error, null);
  assert.deepEqual(
    [customer?.customer_id, customer?.staged_rows, customer?.mart_rows, customer?.rejected_rows],
    [String(ID), days.length, 1, days.length],
  );
  assert.equal(landings.length, 2);
  for (const { state } of landings) assert.equal(state, 'pruned');
  assert.equal(
    landings.reduce((sum, { files_removed }) => sum + files_removed, 0),
    FEEDS.length * days.length,
  );
  assert.ok(landings.every(({ files_removed }) => files_removed > 0));
  assert.deepEqual(await namesInDatabase(stack.db.pool), []);
  assert.deepEqual(await landed(), [[], []]);
  assert.equal(await dump(stack.db.pool, UNCHANGED), before);

  const [first, second, third] = ['2024-03-01', '2024-03-29', '2024-03-30'] as const;
  // A rerun, a changed redelivery, a day of its own, one file, history, and an old run that is reset.
  await stack.runDay(first, { maxRejectedShare: 0.5 }, 'rerun');
  stack.deliveries.set(first, orders('changed', NEW_NAMES));
  await stack.runDay(first, { maxRejectedShare: 0.5 }, 'redelivery');
  stack.deliveries.set(second, orders('new', NEW_NAMES));
  await stack.runDay(second, { maxRejectedShare: 0.5 });
  stack.deliveries.set(third, orders('one file'));
  ended(await client(['run', '--date', third, '--file', 'user_order_log_inc'], stack.environment));
  const { files } = stack.deliveries.history;
  files.user_order_log = ordersCsv([
    named({ uniq_id: 'history' }),
    named({ uniq_id: 'history 2' }, NEW_NAMES),
  ]);
  ended(await client(['bootstrap'], stack.environment));
  const old = stack.client.workflow.getHandle(`${stack.taskQueue}-${first}`);
  const { runId } = await old.describe();
  const points = await resetPoints(stack, old.workflowId, runId);
  for (const point of [points[0], points.at(-1)])
    if (point) assert.equal(await resetRun(stack, old.workflowId, runId, point), 'loaded');
  assert.deepEqual(await namesInDatabase(stack.db.pool), []);
  const [count] = await stack.rows<{ count: string }>(
    'select count(*) from staging.user_order_log where customer_id = $1 and first_name is null',
    [ID],
  );
  assert.equal(Number(count?.count), days.length + 4);
  assert.deepEqual((await landed()).flat(), [], 'nothing that is landed from now on is kept');
  const again = await forget(stack);
  assert.equal(again.customers[0]?.staged_rows, 0);
  assert.deepEqual(await namesInDatabase(stack.db.pool), []);
});

test('an unknown customer is reported as such, in text', async (t) => {
  const stack = await stackFor(t, { settings: SETTINGS });
  stack.deliveries.set('2024-03-01', [{ uniq_id: 'a' }]);
  await stack.runDay('2024-03-01');
  const { code, stdout, stderr } = await client([...FORGET, '--customer', '1'], stack.environment);
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^Customer 4711: no name was found; names that are delivered from now on are left out\.$/m,
  );
  assert.match(stdout, /^Customer 1: names removed from 1 staged orders and 1 rows of mart\.d_customer, /m);
  assert.match(
    stdout,
    new RegExp(`^Landing directory .* on .*: ${FEEDS.length} landed files removed\\.$`, 'm'),
  );
  assert.match(stderr, /^Waiting for the workers to remove landed files\.$/m);
});

test('a run whose files are landed goes on while a customer in them is forgotten', async (t) => {
  const stack = await stackFor(t, { settings: SETTINGS });
  const date = '2024-03-01';
  stack.deliveries.set(date, orders('a'));
  const holder = await stack.db.pool.connect();
  await holder.query('begin');
  await holder.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    stagingLock(date, 'user_order_log_inc'),
  ]);
  const run = await stack.startDay(date, { maxRejectedShare: 0.5 });
  try {
    await until('the run waits to stage', async () => {
      const [row] = await stack.rows<{ waiting: string }>(
        `select count(*) as waiting from pg_locks where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`,
      );
      return row?.waiting === '1';
    });
    assert.equal((await stack.rows('select from staging.incoming_user_order_log')).length, 11);
    await forget(stack);
    assert.deepEqual(await namesInDatabase(stack.db.pool), []);
    assert.deepEqual(await namesInFiles(stack.landingDir), []);
  } finally {
    await holder.query('commit');
    holder.release();
  }
  assert.equal((await run.result()).outcome, 'loaded');
  const events = (await run.fetchHistory()).events ?? [];
  const downloads = events.filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'landFile',
  );
  assert.equal(downloads.length, FEEDS.length, 'nothing was downloaded twice');
  assert.deepEqual(await namesInDatabase(stack.db.pool), []);
});

test('a worker that has stopped is reported; its files go when it starts again', async (t) => {
  const stack = await stackFor(t, { settings: SETTINGS });
  stack.deliveries.set('2024-03-01', orders('a'));
  await stack.runDay('2024-03-01', { maxRejectedShare: 0.5 });
  await stack.stopWorkers();
  const { landings, error } = await forget(stack, 1);
  assert.deepEqual(
    landings.map(({ state }) => state),
    ['pending'],
  );
  assert.match(error ?? '', /^The names are removed from the database, but landed files may remain\./);
  assert.deepEqual(await namesInDatabase(stack.db.pool), []);
  const again = await forget(stack);
  assert.deepEqual(
    again.landings.map(({ state, files_removed }) => [state, files_removed]),
    [['absent', 0]],
  );
  assert.notDeepEqual(await namesInFiles(stack.landingDir), []);
  await stack.startWorker();
  await until('its files are gone', async () => (await namesInFiles(stack.landingDir)).length === 0);
});

test('old landed files and rejected rows go by a timer, with two workers on one disk and no day to load', async (t) => {
  // Longer than the days take on a busy machine.
  const retention = { LANDING_RETENTION: '8s', REJECTED_RETENTION: '8s' };
  const stack = await stackFor(t, { settings: { ...SETTINGS, ...retention } });
  await startWorkerProcess(t, stack);
  const days = ['2024-03-01', '2024-03-02', '2024-03-03', '2024-03-04'];
  for (const day of days) stack.deliveries.set(day, orders(day));
  for (const { outcome } of await Promise.all(
    days.map((day) => stack.runDay(day, { maxRejectedShare: 0.5 })),
  ))
    assert.equal(outcome, 'loaded');
  const rejected = async () => (await stack.rows('select load_date::text from staging.rejected_row')).length;
  assert.ok((await rejected()) > 0, 'kept until then');
  const loads = await dump(stack.db.pool, ['file_load']);
  await until('they are gone', async () => {
    const landed = (await readdir(stack.landingDir)).filter((name) => !name.startsWith('.'));
    return landed.length === 0 && (await rejected()) === 0;
  });
  assert.equal(await dump(stack.db.pool, ['file_load']), loads, 'the counts stay');
  const [landings] = await stack.rows(
    'select count(*)::integer, sum(files_removed) >= $1 as has_all from staging.landing',
    [FEEDS.length * days.length],
  );
  // More where a file was landed again, which a busy machine may need.
  assert.deepEqual(landings, { count: 1, has_all: true });
  stack.deliveries.set('2024-03-05', orders('after'));
  assert.equal((await stack.runDay('2024-03-05', { maxRejectedShare: 0.5 })).outcome, 'loaded');
  assert.ok((await rejected()) > 0);
});
