import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { FEEDS, fileNames } from '../../domain/feeds.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { hasSearchAttributes } from '../../runtime/search-attributes.ts';
import type { Backfill, Document, FailedRun, LoadedRun, Status } from '../../schemas/documents.ts';
import { client, startClient } from '../support/client.ts';
import { documentsOf, printed } from '../support/client-documents.ts';
import { databaseFor } from '../support/database.ts';
import { TestStack } from '../support/stack.ts';
import { callsOf, until } from './harness.ts';

const stack = await TestStack.start({
  api: { pollsUntilReady: 1 },
  settings: { HOUSEKEEPING_INTERVAL: '200ms' },
});
after(() => stack.close());

/** Runs a command that is to end with this code; its document, which is checked against its schema, and its notes. */
async function run(code: number, line: string, settings: Record<string, string> = {}) {
  const ended = await client([...line.split(' '), '--json'], { ...stack.environment, ...settings });
  assert.equal(ended.code, code, `${line}: ${ended.stdout}${ended.stderr}`);
  return { document: JSON.parse(ended.stdout) as Document, stderr: ended.stderr };
}

test('migrate: an empty database, and once more', async (t) => {
  const { url: DATABASE_URL } = await databaseFor(t, { empty: true });
  const { document } = await run(0, 'migrate', { DATABASE_URL });
  const { version, applied } = document as { version: number; applied: string[] };
  assert.equal(applied.length, version);
  const again = await client(['migrate'], { DATABASE_URL });
  assert.deepEqual(again, {
    code: 0,
    stdout: `The schema is already at version ${version}.\n`,
    stderr: '',
  });
});

test('status: a stray date makes no range too long whose other end was chosen', async (t) => {
  const db = await databaseFor(t);
  await db.pool.query(
    `insert into staging.day_load (load_date, outcome, number, workflow_id, run_id, started_at, finished_at)
     select day::date, 'no_increment', 1, 'x', 'x', now(), now()
     from unnest(array['1900-01-01', '2024-03-01', '2999-12-31']) as day`,
  );
  const settings = { DATABASE_URL: db.url, TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const ranges: [string, RegExp, RegExp][] = [
    ['--to 2024-03-05', /20 years to 2024-03-05 are shown/, /^2024-03-05$/],
    ['--from 2024-03-01', /; 2024-03-01 to 20\d\d-\d\d-\d\d are shown/, /^20\d\d-/],
  ];
  for (const [args, note, last] of ranges) {
    const { document, stderr } = await run(0, `status ${args}`, settings);
    assert.match(stderr, note);
    const { days, to } = document as Status;
    assert.ok(days.some(({ date, state }) => date === '2024-03-01' && state === 'no_increment'));
    assert.match(to ?? '', last);
  }
  await run(2, 'status --from 1900-01-01', settings);
});

test('days: loaded, without an increment, failed, partial, missing; status tells, and the gaps are loaded', async () => {
  stack.deliveries.set('2024-03-01', [{ uniq_id: 'a' }, { uniq_id: 'a', id: 7 }, { uniq_id: 'b' }]);
  stack.deliveries.set('2024-03-03', '<html></html>');
  stack.deliveries.set('2024-03-04', [{ uniq_id: 'c' }]);
  const [loaded, none, failed, partial] = await Promise.all([
    run(0, 'run --date 2024-03-01'),
    run(0, 'run --date 2024-03-02'),
    run(1, 'run --date 2024-03-03'),
    run(0, 'run --date 2024-03-04 --file price_log_inc'),
  ]);
  const { workflow_id, run_id } = loaded.document as LoadedRun;
  assert.match(workflow_id, /2024-03-01$/);
  const one = { rows_read: 1, rows_kept: 1, rows_duplicate: 0, rows_rejected: 0 };
  assert.deepEqual(loaded.document, {
    date: '2024-03-01',
    outcome: 'loaded',
    files: {
      ...Object.fromEntries(fileNames('increment').map((name) => [name, one])),
      user_order_log_inc: { rows_read: 3, rows_kept: 2, rows_duplicate: 1, rows_rejected: 0 },
      price_log_inc: { rows_read: 2, rows_kept: 2, rows_duplicate: 0, rows_rejected: 0 },
    },
    warnings: [],
    workflow_id,
    run_id,
    error: null,
  });
  assert.match(loaded.stderr, /^Started .*2024-03-01\.$/m);
  const { outcome, files } = none.document as LoadedRun;
  assert.deepEqual([outcome, files], ['no_increment', {}]);
  const { error, next, ...failure } = failed.document as FailedRun;
  assert.deepEqual([failure.date, failure.outcome, failure.files], ['2024-03-03', 'failed', {}]);
  assert.match(error, /^user_order_log_inc of 2024-03-03 is refused: it is an HTML/);
  assert.ok(failure.workflow_id && failure.run_id && next);
  assert.match(failed.stderr, /user_order_log_inc of 2024-03-03 is refused/);
  assert.doesNotMatch(failed.stderr, /^ +at /m, 'no stack trace');
  const all = fileNames('increment');
  const needed = all.filter((file) => file !== 'price_log_inc');
  const part = partial.document as LoadedRun;
  const warned = part.warnings.join();
  assert.equal(part.outcome, 'partial');
  assert.ok(
    needed.every((file) => warned.includes(file)),
    warned,
  );

  const range = 'status --from 2024-02-29 --to 2024-03-04';
  const { document, stderr } = await run(0, range);
  assert.equal(stderr, '');
  const { days, load_gaps } = document as Status;
  assert.deepEqual(
    days.map(({ date, state, rows_kept, missing_files }) => [date, state, rows_kept, missing_files]),
    [
      ['2024-02-29', 'missing', 0, all],
      ['2024-03-01', 'loaded', FEEDS.length + 2, []],
      ['2024-03-02', 'no_increment', 0, all],
      ['2024-03-03', 'failed', 0, all],
      ['2024-03-04', 'missing', 2, needed],
    ],
  );
  assert.match(days[0]?.next ?? '', /client -- run --date 2024-02-29/);
  assert.deepEqual([days[1]?.error, days[3]?.error], [null, error]);
  const { stdout: text } = await client(range.split(' '), stack.environment);
  assert.match(text, /5 days: 1 loaded, 1 no_increment, 2 missing, 1 failed\./);
  assert.match(text, /2024-03-03 failed: user_order_log_inc of 2024-03-03 is refused/);
  assert.ok(text.includes(`2024-03-04 missing: needs ${needed.join(', ')}`), text);
  assert.ok(text.includes(`Load the gaps: ${load_gaps}`), text);

  await run(1, 'status --from 2024-03-04 --to 2024-03-04 --fail-on-gap');
  const filled = (await run(1, (load_gaps ?? '').split('client -- ')[1] ?? '')).document as Backfill;
  assert.deepEqual([filled.loaded, filled.no_increment], [['2024-03-04'], ['2024-02-29']]);
  assert.deepEqual(filled.failed, [{ date: '2024-03-03', error }]);
  await run(0, 'status --from 2024-03-04 --to 2024-03-04 --fail-on-gap');
});

test('run without a date takes yesterday, and prints text', async () => {
  const yesterday = () => new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const possible = [yesterday()];
  const { code, stdout, stderr } = await client(['run'], stack.environment);
  possible.push(yesterday()); // in case midnight has passed
  assert.equal(code, 0, stderr);
  const [date = '', said] = stdout.split(': ');
  assert.ok(possible.includes(date), stdout);
  assert.equal(said, 'the report API has no increment for this date.\n');
  assert.equal((await stack.rows('select from staging.day_load where load_date = $1', [date])).length, 1);
});

test('history, forget, verify and report', async () => {
  await run(0, 'bootstrap');
  stack.deliveries.history.files.user_order_log = '<html></html>';
  await run(1, 'bootstrap');
  await run(0, 'forget --customer 1 --customer 2');
  await run(0, 'verify --repair');
  await run(0, `report --out ${path.join(stack.landingDir, 'report.html')}`);
});

test('a backfill that is cancelled while a day is running ends with 1', async () => {
  stack.deliveries.set('2024-04-01', [{ uniq_id: 'held' }], { price_log_inc: null });
  const range = 'backfill --from 2024-04-01 --to 2024-04-01';
  const backfill = startClient([...range.split(' '), '--json'], {
    ...stack.environment,
    FILES_TIMEOUT: '1h',
  });
  await until('the file is waited for', () => callsOf(stack, 'get_increment', '2024-04-01').length > 1);
  const { document } = await run(0, 'status --from 2024-04-01 --to 2024-04-01');
  assert.equal((document as Status).days[0]?.state, 'running');
  await run(0, `${range} --cancel`);
  assert.equal((await backfill.ended).code, 1);
});

test('the schedule', async () => {
  await run(1, 'schedule show');
  await run(0, 'schedule apply');
  await run(0, 'schedule apply', { SCHEDULE_TIME: '06:30', FILES_TIMEOUT: '7s' });
  await run(0, 'schedule pause');
  await run(0, 'schedule resume');
  await run(0, 'schedule trigger');
  await run(0, 'schedule trigger --date 2024-03-02');
  await run(0, 'schedule show');
  await run(0, 'schedule show', { DATABASE_URL: 'postgresql://127.0.0.1:1/sales' });
  await run(0, 'schedule delete');
  await run(0, 'schedule delete');
});

test("search attributes of these names and another type are somebody else's: runs go on without", async () => {
  await run(0, 'search-attributes');
  const { connection } = stack.client;
  const namespace = `other-${randomBytes(6).toString('hex')}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  const { INDEXED_VALUE_TYPE_DATETIME: datetime, INDEXED_VALUE_TYPE_KEYWORD: keyword } =
    proto.temporal.api.enums.v1.IndexedValueType;
  const searchAttributes = { SalesLoadDate: datetime, SalesOutcome: keyword, SalesRunKind: keyword };
  await until('the namespace takes search attributes', () =>
    connection.operatorService.addSearchAttributes({ namespace, searchAttributes }).then(
      () => true,
      () => false,
    ),
  );
  assert.equal(await hasSearchAttributes(new Client({ connection, namespace })), false);
  const { stderr } = await run(1, 'search-attributes', { TEMPORAL_NAMESPACE: namespace });
  assert.match(stderr, /has SalesLoadDate with another type than Keyword/);
});

/** Those that have a published schema. */
const commands = (await readdir(path.join(projectRoot, 'schemas')))
  .filter((name) => name.endsWith('.schema.json'))
  .map((name) => name.replace('.schema.json', ''));

for (const command of commands)
  test(`${command}: wrong usage, and settings that cannot be used`, async () => {
    const line = command.replace('schedule-', 'schedule ');
    await run(2, `${line} --no-such-option`);
    if (command === 'error') return;
    const required = { backfill: ' --from 2024-03-01 --to 2024-03-01', forget: ' --customer 1' };
    const { [command as 'backfill']: more = '' } = required;
    await run(2, line + more, { DATABASE_URL: 'x y', TEMPORAL_ADDRESS: 'x y' });
  });

test('every document of every schema was printed; a field that is not documented, or is missing, is a fault (contract, ruling 35)', () => {
  for (const command of commands)
    for (const [name, isDocument] of documentsOf(command)) {
      const document = printed.get(`${command}: ${name}`);
      assert.ok(document, `${command}: ${name}`);
      assert.ok(!isDocument({ ...document, undocumented: 1 }) && !isDocument({}), `${command}: ${name}`);
    }
});
