import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { SchemaObject } from '../../database/comments.ts';
import { sql } from '../../database/sql.ts';
import { plainLines } from '../../dev/sample-api/plain-rows.ts';
import { freePort } from '../../dev/services/ports.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { createTestDatabase, variable, type TestDatabase } from '../support/database.ts';
import { start, type Ended, type Running } from '../support/processes.ts';
import { copyProject } from '../support/project-copy.ts';
import { applyBlock, blocksOf, commandsOf } from './guide.ts';
import { Terminal } from './terminal.ts';

/** docs/adding-a-feed.md, followed from its first block to its last in a copy of the project. */
const FILE = 'refund_reason_inc';
const DATE = '2024-03-02';
const COUNTS = { rows_read: 10, rows_kept: 7, rows_duplicate: 2, rows_rejected: 1 };

let project: string;
let db: TestDatabase;
let worker: Running;
let api: Running;
let port: string;
let environment: Record<string, string>;
let terminal: Terminal;
let blocks: ReturnType<typeof blocksOf>;

before(async () => {
  blocks = blocksOf(await readFile(path.join(projectRoot, 'docs/adding-a-feed.md'), 'utf8'));
  [project, db] = await Promise.all([copyProject(), createTestDatabase({ empty: true })]);
  for (const block of blocks) {
    const isDone = (await applyBlock(project, block)) || ['sh', 'sql'].includes(block.language);
    assert.ok(isDone, `no rule says what to do with the block after "${block.lead}"`);
  }
  // A feed that the guide does not know delivers no rows.
  for (const feed of FEEDS) {
    const file = path.join(project, 'var/shop/increment', DATE, `${feed.name}_inc.csv`);
    if (!existsSync(file)) await writeFile(file, [...plainLines(feed, [])].join(''));
  }
  port = String(await freePort());
  await serve('--data', 'var/shop');
  environment = {
    REPORT_API_URL: `http://127.0.0.1:${port}`,
    REPORT_API_KEY: 'sample-key',
    REPORT_API_NICKNAME: 'sample',
    REPORT_API_COHORT: '1',
    REPORT_POLL_INTERVAL: '100ms',
    DATABASE_URL: db.url,
    TEMPORAL_ADDRESS: variable('TEMPORAL_ADDRESS'),
    TEMPORAL_TASK_QUEUE: `feed-${path.basename(project)}`,
    LANDING_DIR: path.join(project, 'var/landing'),
  };
  terminal = new Terminal(project, environment);
  const migrated = await terminal.run('npm run --silent client -- migrate --json');
  assert.equal(migrated.code, 0, migrated.stderr);
  assert.match(migrated.stdout, /_refund_reason"[^]*_refund_reason_view"/);
  worker = start(['worker.ts'], environment, project);
  await worker.says('worker started');
});

after(async () => {
  for (const process of [worker, api]) process.kill('SIGTERM');
  await Promise.all([worker.ended, api.ended]);
  await db.drop();
  await rm(project, { recursive: true, force: true });
});

async function serve(...what: string[]): Promise<void> {
  api = start(['dev/sample-api/main.ts', '--port', port, '--polls', '0', ...what], {}, project);
  await api.says('sample report API at');
}

/** Runs the commands of the nth block of commands. */
async function follow(nth: number): Promise<Ended[]> {
  const block = blocks.filter(({ language }) => language === 'sh')[nth];
  assert.ok(block);
  const ended: Ended[] = [];
  for (const line of commandsOf(block)) ended.push(await terminal.run(line));
  return ended;
}

test('the further file is landed, checked, staged and shown', async () => {
  const [day, alone, status] = await follow(0);
  assert.ok(day && alone && status);
  assert.equal(day.code, 0, day.stderr);
  assert.match(day.stdout, /refund_reason_inc +│ +10 │ +7 │ +2 │ +1 │/);
  assert.equal(day.stdout.match(/_inc +│/g)?.length, FEEDS.length + 1);

  assert.equal(alone.code, 0, alone.stderr);
  const { outcome, files } = JSON.parse(alone.stdout) as { outcome: string; files: object };
  assert.deepEqual({ outcome, files }, { outcome: 'loaded', files: { [FILE]: COUNTS } });

  assert.equal(status.code, 0, status.stderr);
  // 10 + 2 + 0 + 0 + 1 rows read, 7 + 2 + 1 kept.
  assert.match(status.stdout, new RegExp(`${DATE} │ loaded +│ +13 │ +10 │ +1 │`));
  assert.match(status.stdout, new RegExp(`${DATE} rejected 1 row:`));

  const staged = await db.pool.query<{ uniq_id: string; id: string }>(
    'select uniq_id, id from staging.refund_reason where load_date = $1 and not is_history order by uniq_id',
    [DATE],
  );
  assert.deepEqual(
    staged.rows.map(({ uniq_id, id }) => `${uniq_id} ${id}`),
    ['o1 1', 'o2 2', 'o3 4', 'o4 5', 'o5 6', 'o6 7', 'o8 9'],
  );
  const rejected = await db.pool.query('select file, line, rule, raw from staging.rejected_row');
  assert.deepEqual(rejected.rows, [{ file: FILE, line: '10', rule: 'required', raw: '8,o7,' }]);
  const audit = await db.pool.query('select file from staging.file_load where load_date = $1', [DATE]);
  assert.equal(audit.rows.length, FEEDS.length + 1);
  const objects = await db.pool.query<SchemaObject>(sql('objects'));
  assert.deepEqual(
    objects.rows.filter(({ comment }) => comment === null),
    [],
  );
  const question = blocks.filter(({ language, lead }) => language === 'sql' && !lead.startsWith('`'));
  assert.equal(question.length, 1);
  assert.deepEqual((await db.pool.query(question[0]?.text ?? '')).rows, [
    { uniq_id: 'o2', reason: 'broken' },
    { uniq_id: 'o3', reason: 'wrong colour' },
  ]);
});

test('when it is missing, the day names it, and does without it when told so', async () => {
  const [removed, failed, without] = await follow(1);
  assert.ok(removed && failed && without);
  assert.equal(removed.code, 0, removed.stderr);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, new RegExp(`The increment of ${DATE} lacks ${FILE} after 1s`));
  assert.equal(without.code, 0, without.stderr);
  assert.equal(without.stdout.match(/_inc +│/g)?.length, FEEDS.length);
  // What was staged of an optional file that is absent stays.
  const { rows } = await db.pool.query('select from staging.refund_reason where load_date = $1', [DATE]);
  assert.equal(rows.length, COUNTS.rows_kept);
});

test('the generated data of the sample API has the file as well, also as history', async () => {
  api.kill('SIGTERM');
  await api.ended;
  await serve('--orders', '5');
  const [day, history] = await Promise.all([
    terminal.run('npm run --silent client -- run --date 2024-03-03 --json'),
    terminal.run('npm run --silent client -- bootstrap --json'),
  ]);
  assert.deepEqual([day.code, history.code], [0, 0], day.stderr + history.stderr);
  const rowsOf = ({ stdout }: Ended, file: string) =>
    (JSON.parse(stdout) as { files: Record<string, typeof COUNTS> }).files[file]?.rows_kept;
  assert.equal(rowsOf(day, FILE), 10);
  assert.equal(rowsOf(history, 'refund_reason'), 23 * 10);
});

test('runs that were open before go on: every recorded history replays with the further feed', async () => {
  const { code, stdout } = await start(['--test', 'test/replay/replay.test.ts'], environment, project).ended;
  assert.equal(code, 0, stdout);
});
