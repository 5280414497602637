import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from '../../database/sql.ts';
import { plainLines } from '../../dev/sample-api/plain-rows.ts';
import { freePort } from '../../dev/services/ports.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { lines } from '../database/support.ts';
import { createTestDatabase, variable, type TestDatabase } from '../support/database.ts';
import { start, type Ended, type Running } from '../support/processes.ts';
import { copyProject } from '../support/project-copy.ts';
import { applyBlock, blocksOf, commandsOf } from './guide.ts';
import { Terminal } from './terminal.ts';

/** docs/adding-a-feed.md, followed from its first block to its last in a copy of the project. */
const FILE = 'refund_reason_inc';
const DATE = '2024-03-02';

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

/** Runs the commands of the nth block of commands; they end with these codes. */
async function follow(nth: number, ...codes: number[]): Promise<Ended[]> {
  const block = blocks.filter(({ language }) => language === 'sh')[nth];
  assert.ok(block);
  const ended: Ended[] = [];
  for (const line of commandsOf(block)) ended.push(await terminal.run(line));
  const wrong = ended.map(({ stdout, stderr }) => stdout + stderr).join('\n');
  assert.deepEqual(
    ended.map(({ code }) => code),
    codes,
    wrong,
  );
  return ended;
}

test('the further file is landed, checked, staged and shown', async () => {
  const [day, alone, status] = await follow(0, 0, 0, 0);
  assert.match(day?.stdout ?? '', /refund_reason_inc +│ +10 │ +7 │ +2 │ +1 │/);
  assert.equal(day?.stdout.match(/_inc +│/g)?.length, FEEDS.length + 1);
  const { outcome, files } = JSON.parse(alone?.stdout ?? '') as { outcome: string; files: object };
  const counts = { rows_read: 10, rows_kept: 7, rows_duplicate: 2, rows_rejected: 1 };
  assert.deepEqual({ outcome, files }, { outcome: 'loaded', files: { [FILE]: counts } });
  // 10 + 2 + 0 + 0 + 1 rows read, 7 + 2 + 1 kept.
  assert.match(status?.stdout ?? '', new RegExp(`${DATE} │ loaded +│ +13 │ +10 │ +1 │`));

  const staged = `select uniq_id, id from staging.refund_reason where load_date = '${DATE}' and not is_history
    order by uniq_id`;
  const kept = ['o1 | 1', 'o2 | 2', 'o3 | 4', 'o4 | 5', 'o5 | 6', 'o6 | 7', 'o8 | 9'];
  assert.deepEqual(await lines(db.pool, staged), kept);
  const rejected = 'select file, line, rule, raw from staging.rejected_row';
  assert.deepEqual(await lines(db.pool, rejected), [`${FILE} | 10 | required | 8,o7,`]);
  const uncommented = (await db.pool.query<{ comment: string | null }>(sql('objects'))).rows.filter(
    ({ comment }) => comment === null,
  );
  assert.deepEqual(uncommented, []);
  const [question] = blocks.filter(({ language, lead }) => language === 'sql' && !lead.startsWith('`'));
  assert.deepEqual(await lines(db.pool, question?.text ?? ''), ['o2 | broken', 'o3 | wrong colour']);
});

test('when it is missing, the day names it, and does without it when told so', async () => {
  const [, failed, without] = await follow(1, 0, 1, 0);
  assert.match(failed?.stderr ?? '', new RegExp(`The increment of ${DATE} lacks ${FILE} after 1s`));
  assert.equal(without?.stdout.match(/_inc +│/g)?.length, FEEDS.length);
});

test('the generated data of the sample API has the file as well, also as history', async () => {
  api.kill('SIGTERM');
  await api.ended;
  await serve('--orders', '5');
  const { code, stdout, stderr } = await terminal.run('npm run --silent client -- bootstrap --json');
  assert.equal(code, 0, stderr);
  const { files } = JSON.parse(stdout) as { files: Record<string, { rows_kept: number }> };
  assert.equal(files.refund_reason?.rows_kept, 23 * 10);
});

test('runs that were open before go on: every recorded history replays with the further feed', async () => {
  const { code, stdout } = await start(['--test', 'test/replay/replay.test.ts'], environment, project).ended;
  assert.equal(code, 0, stdout);
});
