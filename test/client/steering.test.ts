import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { FAST_OPTIONS as OPTIONS } from '../support/fast-options.ts';
import { FakeQueue, type FakeDay } from '../support/fake-day.ts';
import { createTestDatabase, variable } from '../support/database.ts';
import { client, start } from '../support/processes.ts';
import { kill, until } from './harness.ts';

const [queue, db] = await Promise.all([FakeQueue.start(), createTestDatabase()]);
/** To which all that the client starts belongs. */
let day: FakeDay;
await queue.startWorker();
const env = {
  TEMPORAL_ADDRESS: variable('TEMPORAL_ADDRESS'),
  TEMPORAL_TASK_QUEUE: queue.taskQueue,
  DATABASE_URL: db.url,
};
beforeEach(() => {
  day = queue.day({}, '-');
});
after(async () => {
  await queue.close();
  await db.drop();
});

const RANGE = ['--from', '2024-02-25', '--to', '2024-02-25'];
/** For a client to begin, on a busy machine. */
const SAYS_WITHIN_MS = 300_000;
const PLAN = { options: OPTIONS, tagged: false, hasWebhook: false, days: [], daysLeft: 0 };

function errorOf(stdout: string): string {
  return (JSON.parse(stdout) as { error: string }).error;
}

describe('a command never joins a run that does less than it was asked for (contract, ruling 47)', () => {
  const less: [name: string, date: string, input: object, says: RegExp][] = [
    ['--only-missing', '2024-02-26', { onlyMissing: true }, /leaves out the days that are loaded/],
    [
      'another range',
      '2024-02-27',
      { from: '2024-02-20', to: '2024-02-26' },
      /loads 2024-02-20 to 2024-02-26/,
    ],
  ];
  for (const [name, date, input, says] of less)
    test(`a full backfill waits for one of ${name}, then does its own`, async (t) => {
      let release: () => void = () => undefined;
      const first = new Promise<void>((resolve) => (release = resolve));
      day.answers.planBackfill = async () => {
        await first;
        return PLAN;
      };
      const range = { from: date, to: date, concurrency: 1 };
      const handle = await day.startRun('salesBackfill', { ...range, ...input }, `backfill-${date}-${date}`);
      const full = start(['client/main.ts', 'backfill', '--from', date, '--to', date, '--json'], env);
      t.after(() => kill(full));
      await full.says('what was asked for begins when it has ended', SAYS_WITHIN_MS);
      assert.match(full.output(), says);
      release();
      const { code, stdout, stderr } = await full.ended;
      assert.equal(code, 0, stderr);
      assert.notEqual((JSON.parse(stdout) as { run_id: string }).run_id, handle.firstExecutionRunId);
      const inputs = day.argsOf('planBackfill').map(([input]) => input);
      assert.equal(inputs.length, 2);
      assert.equal((inputs[1] as { onlyMissing: boolean }).onlyMissing, false);
    });

  test('one of --only-missing joins a full one', async (t) => {
    let release: () => void = () => undefined;
    const planned = new Promise<void>((resolve) => (release = resolve));
    day.answers.planBackfill = async () => {
      await planned;
      return PLAN;
    };
    const full = start(['client/main.ts', 'backfill', ...RANGE, '--json'], env);
    t.after(() => kill(full));
    await until('the full one plans', () => day.count('planBackfill') === 1);
    const missing = start(['client/main.ts', 'backfill', ...RANGE, '--only-missing', '--json'], env);
    t.after(() => kill(missing));
    await missing.says('is already running: waiting for it.', SAYS_WITHIN_MS);
    release();
    const [one, other] = await Promise.all([full.ended, missing.ended]);
    assert.deepEqual([one.code, other.code], [0, 0], one.stderr + other.stderr);
    assert.equal(day.count('planBackfill'), 1);
  });
});

describe('a request that is refused or not taken is told in a sentence, with 1 (contract, ruling 48)', () => {
  for (const option of ['--pause', '--resume', '--cancel'])
    test(`${option}: no backfill of the range`, async () => {
      const { code, stdout } = await client(
        ['backfill', '--from', '2024-03-01', '--to', '2024-03-02', option, '--json'],
        env,
      );
      assert.equal(code, 1);
      assert.match(errorOf(stdout), /^There is no backfill of this range in progress/);
    });

  test('no worker', async () => {
    const alone = { ...env, TEMPORAL_TASK_QUEUE: `${queue.taskQueue}-alone` };
    const handle = await queue.client.workflow.start('salesBackfill', {
      workflowId: `${queue.taskQueue}-alone-backfill-2024-02-25-2024-02-25`,
      taskQueue: `${queue.taskQueue}-alone`,
      args: [{ from: '2024-02-25', to: '2024-02-25', concurrency: 1 }],
    });
    const { code, stdout, stderr } = await client(['backfill', ...RANGE, '--pause', '--json'], alone);
    assert.equal(code, 1);
    assert.match(
      errorOf(stdout),
      /^No worker has taken the request within 10 s\. No worker polls the task queue ".*-alone": start one with `npm run worker`\. Then repeat the command\.$/,
    );
    assert.doesNotMatch(stderr, /DEADLINE_EXCEEDED|register/);
    await handle.terminate();
  });

  test('a workflow with that id that is no backfill', async () => {
    day.answers.getReport = () => undefined;
    const run = await day.startRun(
      'salesIncrement',
      { loadDate: '2024-03-05', options: { reportPollIntervalMs: 60_000 } },
      'backfill-2024-03-05-2024-03-05',
    );
    await until('it waits', () => day.count('getReport') > 0);
    const range = ['--from', '2024-03-05', '--to', '2024-03-05'];
    const { code, stdout } = await client(['backfill', ...range, '--pause', '--json'], env);
    assert.equal(code, 1);
    assert.match(errorOf(stdout), /does not know the request/);
    await run.terminate();
  });
});
