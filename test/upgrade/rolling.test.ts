import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { projectRoot } from '../../runtime/project-root.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { addDays } from '../../domain/load-date.ts';
import type { Delivery } from '../../dev/sample-api/server.ts';
import { stateQuery } from '../../workflows/steps/progress.ts';
import { until } from '../client/harness.ts';
import { dump } from '../support/dump.ts';
import { Loader } from '../database/support.ts';
import { databaseFor } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { client } from '../support/client.ts';
import { start, type Running } from '../support/processes.ts';
import { copyProject } from '../support/project-copy.ts';
import { TestStack } from '../support/stack.ts';

/**
 * A rolling upgrade with two versions of the worker. The second cannot replay the days of the first, since it has one
 * more timer in every day, and its schema has a column more in every table, beside which the first goes on.
 */
const [OLD, NEW] = ['1.0.0-old', '1.1.0-new'];
const [NOT_FOUND, FAILED_PRECONDITION] = [5, 9]; // of gRPC
const FIRST_DAY = '2024-04-01';
const DAYS = 5;
const TABLES = ['user_order_log', 'd_city', 'd_item', 'd_customer', 'f_sales', 'f_customer_retention'];

const NEXT_MIGRATION = [
  ...FEEDS.map(({ name }) => `staging.${name}`),
  ...['staging.file_load', 'staging.day_load', 'staging.rejected_row'],
  ...['mart.d_calendar', 'mart.d_city', 'mart.d_item', 'mart.d_customer', 'mart.f_sales'],
]
  .map((table) => `alter table ${table} add column added_by_the_next_release text;`)
  // The columns of the facts are those of this view: a migration gives both one more.
  .concat(
    `do $$ begin
    execute 'create or replace view staging.order_fact as select facts.*, null::text as added_by_the_next_release from ('
      || rtrim(pg_get_viewdef('staging.order_fact'), '; ') || ') as facts';
  end $$;`,
  )
  .join('\n');

let stack: TestStack;
let newRelease: string;
const workers: Running[] = [];

before(async () => {
  stack = await TestStack.start({ worker: false, settings: { FILES_TIMEOUT: '5m' } });
  newRelease = await nextRelease();
});

after(async () => {
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map(({ ended }) => ended));
  await stack.close();
  await rm(newRelease, { recursive: true, force: true });
});

/** The project as another release: a copy in which the workflow of a day has been changed, with one migration more. */
async function nextRelease(): Promise<string> {
  const directory = await copyProject();
  const file = path.join(directory, 'workflows', 'sales-increment.ts');
  const changed = (await readFile(file, 'utf8'))
    .replace(/^/, "import { sleep } from '@temporalio/workflow';\n")
    .replace(/^export async function salesIncrement\([^]*?\{\n/m, (head) => `${head}  await sleep(1);\n`);
  assert.match(changed, /await sleep\(1\)/);
  await writeFile(file, changed);
  const migrations = path.join(directory, 'sql', 'migrations');
  const version = (await readdir(migrations)).length + 1;
  await writeFile(path.join(migrations, `${String(version).padStart(4, '0')}_next.sql`), NEXT_MIGRATION);
  return directory;
}

async function startVersion(buildId: string, directory: string): Promise<Running> {
  const worker = start(
    ['worker.ts'],
    {
      ...stack.environment,
      TEMPORAL_DEPLOYMENT_NAME: `sales-${stack.taskQueue}`,
      TEMPORAL_WORKER_BUILD_ID: buildId,
    },
    directory,
  );
  workers.push(worker);
  await worker.says('worker started');
  return worker;
}

/**
 * What `temporal worker deployment set-current-version` does. The server knows a version once a worker of it has polled
 * (NOT_FOUND before), and makes it current once its workers have polled every task queue of the current one
 * (FAILED_PRECONDITION, "missing active task queues"), which on a busy machine takes seconds.
 */
async function makeCurrent(buildId: string): Promise<void> {
  await until(`version ${buildId} is current`, async () => {
    try {
      await stack.client.workflowService.setWorkerDeploymentCurrentVersion({
        namespace: 'default',
        deploymentName: `sales-${stack.taskQueue}`,
        buildId,
        identity: 'the test',
      });
      return true;
    } catch (error) {
      if (isGrpcServiceError(error) && [NOT_FOUND, FAILED_PRECONDITION].includes(error.code)) return false;
      throw error;
    }
  });
}

/** The build id of the version that a workflow's last task was done by. */
async function versionOf(workflowId: string): Promise<string> {
  const { raw } = await stack.client.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? 'none';
}

async function waitsForFiles(workflowId: string): Promise<boolean> {
  try {
    const { missingFiles } = await stack.client.workflow.getHandle(workflowId).query(stateQuery);
    return missingFiles.length > 0;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** The orders of a date, without repeats. */
function ordersOf(date: string): Order[] {
  return [
    { id: 1, uniq_id: `only ${date}`, customer_id: Number(date.slice(-2)), date_time: date },
    { id: 3, uniq_id: 'every day', customer_id: 77, date_time: date },
  ];
}

function deliver(date: string, more: Delivery['files'] = {}): void {
  const orders = ordersOf(date);
  stack.deliveries.set(date, [...orders, ...orders.map((order) => ({ ...order, id: 1 }))], more);
}

test('a new version takes over while days and a backfill are under way, and nothing is lost', async (t) => {
  const days = Array.from({ length: DAYS }, (_, day) => addDays(FIRST_DAY, day));
  const [first = '', second = '', third = '', fourth = ''] = days;
  const last = days.at(-1) ?? '';
  const [single, after] = [addDays(last, 1), addDays(last, 2)];
  const idOf = (date: string) => `${stack.taskQueue}-${date}`;
  const backfillId = `${stack.taskQueue}-backfill-${first}-${last}`;
  const ofBackfill = (date: string) => `${backfillId}-day-${date}`;
  for (const date of [...days, single, after]) deliver(date);
  // These wait for a file, and go on when a person has seen to it.
  for (const date of [second, third, single]) deliver(date, { price_log_inc: undefined });

  const old = await startVersion(OLD, projectRoot);
  await makeCurrent(OLD);
  const singleRun = await stack.startDay(single);
  const backfill = client(
    ['backfill', '--from', first, '--to', last, '--concurrency', '2', '--json'],
    stack.environment,
  );
  await until('three days wait for a file', async () => {
    const waiting = [ofBackfill(second), ofBackfill(third), idOf(single)].map(waitsForFiles);
    return (await Promise.all(waiting)).every(Boolean);
  });

  const migrated = await start(['client/main.ts', 'migrate', '--json'], stack.environment, newRelease).ended;
  assert.deepEqual([migrated.code, migrated.stderr], [0, '']);
  await startVersion(NEW, newRelease);
  await makeCurrent(NEW);
  await stack.runDay(after);
  assert.equal(await versionOf(idOf(after)), NEW);

  for (const date of [second, third, single]) deliver(date);
  await singleRun.result();
  const { code, stdout, stderr } = await backfill;
  assert.equal(code, 0, stdout + stderr);
  for (const id of [...[first, second, third].map(ofBackfill), idOf(single)])
    assert.equal(await versionOf(id), OLD, id);
  for (const id of [ofBackfill(fourth), ofBackfill(last), backfillId])
    assert.equal(await versionOf(id), NEW, id);

  old.kill('SIGTERM');
  assert.equal((await old.ended).code, 0);
  await stack.runDay(first);

  const plain = await databaseFor(t);
  for (const date of [...days, single, after]) await new Loader(plain.database).load(date, ordersOf(date));
  assert.equal(await dump(stack.db.pool, TABLES), await dump(plain.pool, TABLES));
});
