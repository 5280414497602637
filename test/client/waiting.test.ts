import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, beforeEach, describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { dataConverter } from '../../runtime/codec/data-converter.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import { Proxy } from '../chaos/proxy.ts';
import { client, startClient } from '../support/client.ts';
import { createTestDatabase, variable } from '../support/database.ts';
import { FakeQueue, type FakeDay } from '../support/fake-day.ts';
import { start } from '../support/processes.ts';
import { reset, resetPoints } from '../support/reset.ts';
import { REPORT, USUAL_ANSWERS } from '../support/usual-answers.ts';
import { kill, until } from './harness.ts';

/** Commands that start or join a run and wait for it; the steps of the run are answered here. */
const [queue, db] = await Promise.all([FakeQueue.start(), createTestDatabase()]);
const { taskQueue } = queue;
await queue.startWorker();
const env = {
  TEMPORAL_ADDRESS: variable('TEMPORAL_ADDRESS'),
  TEMPORAL_TASK_QUEUE: taskQueue,
  DATABASE_URL: db.url,
  REPORT_POLL_INTERVAL: '50ms',
};
/** To which all that the client starts belongs. */
let day: FakeDay;
beforeEach(() => {
  day = queue.day({}, '-');
});
after(async () => {
  await queue.close();
  await db.drop();
});

const handleOf = (id: string) => queue.client.workflow.getHandle(`${taskQueue}-${id}`);
const isNotReady = () => undefined;
const rangeOf = (from: string, to = from) => ['--from', from, '--to', to];

/** The report is not made, and no backfill planned, until it is released. */
function hold(): () => void {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  day.answers.getReport = async () => {
    await released;
    return REPORT;
  };
  day.answers.planBackfill = async (...args) => {
    await released;
    return USUAL_ANSWERS.planBackfill(...args);
  };
  return release;
}

function documentOf(stdout: string) {
  return JSON.parse(stdout) as { run_id: string; error: string | null; outcome?: string };
}

describe('the document names the execution that ended', () => {
  const commands: [string, string[], string][] = [
    ['run', ['--date', '2024-03-01'], '2024-03-01'],
    ['backfill', rangeOf('2024-03-02', '2024-03-03'), 'backfill-2024-03-02-2024-03-03'],
    ['bootstrap', [], 'history'],
  ];
  for (const [command, args, id] of commands)
    test(`${command} follows a reset to the new run, twice (contract, ruling 29)`, async () => {
      day.answers.getReport = isNotReady;
      const waiting = startClient([command, ...args, '--json'], env);
      for (const times of [1, 2]) {
        const polls = day.count('getReport');
        await until('the report is polled', () => day.count('getReport') > polls + 2);
        const { runId } = await handleOf(id).describe();
        const [first] = await resetPoints(queue, `${taskQueue}-${id}`, runId);
        assert.ok(first);
        await reset(queue, `${taskQueue}-${id}`, runId, first);
        const isFollowed = () => waiting.output().split('was reset: waiting for its new run').length > times;
        await until(`the client follows reset ${times}`, isFollowed);
      }
      day.answers.getReport = () => REPORT;
      const { code, stdout, stderr } = await waiting.ended;
      assert.equal(code, 0, stderr);
      const { run_id, error } = documentOf(stdout);
      assert.deepEqual([run_id, error], [(await handleOf(id).describe()).runId, null]);
    });

  test('of a run that continued as new', async () => {
    day.answers.getReport = isNotReady;
    const waiting = startClient(['run', '--date', '2024-03-06', '--json'], {
      ...env,
      REPORT_POLL_INTERVAL: '10ms',
    });
    await until('it waits', () => day.count('getReport') > 0);
    const { runId: first } = await handleOf('2024-03-06').describe();
    await until('it continues as new', async () => (await handleOf('2024-03-06').describe()).runId !== first);
    day.answers.getReport = () => REPORT;
    const { code, stdout, stderr } = await waiting.ended;
    assert.equal(code, 0, stderr);
    assert.equal(documentOf(stdout).run_id, (await handleOf('2024-03-06').describe()).runId);
  });

  for (const [end, error, date] of [
    ['cancel', 'The run was cancelled.', '2024-03-04'],
    ['terminate', 'The run was terminated.', '2024-03-05'],
  ] as const)
    test(`${end}, and no reset, ends the client with 1`, async () => {
      day.answers.getReport = isNotReady;
      const waiting = startClient(['run', '--date', date, '--json'], env);
      await waiting.says('Waiting for the report');
      await handleOf(date)[end]();
      const { code, stdout } = await waiting.ended;
      const document = documentOf(stdout);
      assert.deepEqual([code, document.outcome, document.error], [1, 'failed', error]);
    });
});

describe('two commands of one date', () => {
  test('run twice at once: both end well with one run, whose trouble they tell meanwhile', async () => {
    day.answers.getReport = () => {
      throw ApplicationFailure.retryable('The report API answered 503.');
    };
    const runs = [1, 2].map(() => startClient(['run', '--date', '2024-03-07', '--json'], env));
    for (const run of runs) await run.says('Retrying getReport: The report API answered 503');
    day.answers.getReport = () => REPORT;
    const [one, other] = await Promise.all(runs.map((run) => run.ended));
    assert.ok(one && other);
    assert.deepEqual([one.code, other.code], [0, 0], one.stderr + other.stderr);
    assert.equal(one.stdout, other.stdout);
    const notes = one.stderr + other.stderr;
    assert.deepEqual(
      [notes.match(/^Started /gm)?.length, notes.match(/is already running/g)?.length],
      [1, 1],
    );
    assert.equal(day.count('generateReport'), 1);
  });

  const less: [string, string, string[], string, object, RegExp][] = [
    [
      'a full backfill waits for one of --only-missing',
      'salesBackfill',
      ['backfill', ...rangeOf('2024-02-26')],
      'backfill-2024-02-26-2024-02-26',
      { from: '2024-02-26', to: '2024-02-26', concurrency: 1, onlyMissing: true },
      /leaves out the days that are loaded/,
    ],
    [
      'a backfill waits for one of another range',
      'salesBackfill',
      ['backfill', ...rangeOf('2024-02-27')],
      'backfill-2024-02-27-2024-02-27',
      { from: '2024-02-20', to: '2024-02-26', concurrency: 1 },
      /loads 2024-02-20 to 2024-02-26/,
    ],
    [
      'a run of the whole day waits for one of some files',
      'salesIncrement',
      ['run', '--date', '2024-02-28'],
      '2024-02-28',
      { loadDate: '2024-02-28', files: ['price_log_inc'] },
      /loads price_log_inc only/,
    ],
  ];
  for (const [name, workflowType, args, id, input, says] of less)
    test(`${name}, then does its own (contract, ruling 47)`, async () => {
      const release = hold();
      // As somebody would start it in the UI.
      const { firstExecutionRunId } = await day.startRun(workflowType, input, id);
      const waiting = startClient([...args, '--json'], env);
      await waiting.says('what was asked for begins when it has ended');
      assert.match(waiting.output(), says);
      release();
      const { code, stdout, stderr } = await waiting.ended;
      assert.equal(code, 0, stderr);
      assert.notEqual(documentOf(stdout).run_id, firstExecutionRunId);
      const inputs = [...day.argsOf('planBackfill'), ...day.argsOf('planDay')].map(([one]) => one as object);
      const asked = inputs.at(-1) as { onlyMissing?: boolean; files?: string[] };
      assert.deepEqual([asked.onlyMissing ?? false, asked.files], [false, undefined]);
    });

  test('a backfill of --only-missing joins a full one', async () => {
    const release = hold();
    const full = startClient(['backfill', ...rangeOf('2024-02-25'), '--json'], env);
    await until('the full one plans', () => day.count('planBackfill') === 1);
    const missing = startClient(['backfill', ...rangeOf('2024-02-25'), '--only-missing', '--json'], env);
    await missing.says('is already running: waiting for it.');
    release();
    const [one, other] = await Promise.all([full.ended, missing.ended]);
    assert.deepEqual([one.code, other.code], [0, 0], one.stderr + other.stderr);
    assert.equal(day.count('planBackfill'), 1);
  });
});

describe('a request that is refused or not taken is told in a sentence, with 1 (contract, ruling 48)', () => {
  async function refused(args: string[], sentence: RegExp, settings = env): Promise<void> {
    const { code, stdout, stderr } = await client(['backfill', ...args, '--json'], settings);
    assert.equal(code, 1);
    assert.match(documentOf(stdout).error ?? '', sentence);
    assert.doesNotMatch(stderr, /DEADLINE_EXCEEDED|register/);
  }

  for (const option of ['--pause', '--resume', '--cancel'])
    test(`${option}: no backfill of the range`, () =>
      refused([...rangeOf('2024-03-01'), option], /^There is no backfill of this range in progress/));

  test('no worker', async () => {
    const alone = `${taskQueue}-alone`;
    const handle = await queue.client.workflow.start('salesBackfill', {
      workflowId: `${alone}-backfill-2024-02-25-2024-02-25`,
      taskQueue: alone,
      args: [{ from: '2024-02-25', to: '2024-02-25', concurrency: 1 }],
    });
    await refused(
      [...rangeOf('2024-02-25'), '--pause'],
      /^No worker has taken the request within 10 s\. No worker polls the task queue ".*-alone": start one with `npm run worker`\. Then repeat the command\.$/,
      { ...env, TEMPORAL_TASK_QUEUE: alone },
    );
    await handle.terminate();
  });

  test('a workflow with that id that is no backfill', async () => {
    day.answers.getReport = isNotReady;
    const run = await day.startRun(
      'salesIncrement',
      { loadDate: '2024-03-05' },
      'backfill-2024-03-05-2024-03-05',
    );
    await until('it waits', () => day.count('getReport') > 0);
    await refused([...rangeOf('2024-03-05'), '--pause'], /does not know the request/);
    await run.terminate();
  });
});

describe('whoever waits is told why nothing happens', () => {
  test('no worker, or none whose version is current; Ctrl-C ends only the client', async (t) => {
    const alone = `${taskQueue}-alone`;
    const settings = { ...env, TEMPORAL_TASK_QUEUE: alone };
    const args = ['run', '--date', '2024-03-07', '--json'];
    const interrupted = start(['client/main.ts', ...args], settings);
    t.after(() => kill(interrupted));
    await interrupted.says(`No worker polls the task queue "${alone}"`);
    interrupted.kill('SIGINT');
    const { code, stdout, stderr } = await interrupted.ended;
    assert.deepEqual([code, stdout], [130, '']);
    assert.match(stderr, /keeps running; run the same command/);
    const joined = startClient(args, settings);
    await joined.says('is already running');
    await queue.startWorker({
      taskQueue: alone,
      workerDeploymentOptions: {
        version: { deploymentName: alone, buildId: 'not-current' },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'PINNED',
      },
    });
    await joined.says('are versions of a Worker Deployment of which none is current');
    await queue.startWorker({ taskQueue: alone });
    const ended = await joined.ended;
    assert.deepEqual([ended.code, documentOf(ended.stdout).outcome], [0, 'loaded'], ended.stderr);
  });

  test('a Temporal that falls silent', async (t) => {
    const proxy = await Proxy.start(`tcp://${env.TEMPORAL_ADDRESS}`);
    t.after(() => proxy.close());
    day.answers.getReport = isNotReady;
    const run = startClient(['run', '--date', '2024-03-08'], {
      ...env,
      TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}`,
    });
    await run.says('Waiting for the report');
    proxy.freeze();
    await run.says('Temporal is not responding (no answer in time). Waiting for it.');
    day.answers.getReport = () => REPORT;
    proxy.cut();
    assert.equal((await run.ended).code, 0, run.output());
  });

  const keys = (id: string) => ({ PAYLOAD_KEYS: `${id}:${randomBytes(32).toString('base64')}` });
  const a = keys('a');
  const cases: [string, Record<string, string>, Record<string, string>, RegExp][] = [
    ['at the client alone', {}, a, /The worker cannot run .* reports: ".*PAYLOAD_KEYS is not set here/],
    ['at the worker alone', a, {}, /(Cannot read the result|The answer) of .*PAYLOAD_KEYS is not set here/],
    [
      'of two kinds',
      a,
      keys('b'),
      /The worker cannot run|(Cannot read the result|The answer) of .*PAYLOAD_KEYS has no key "[ab]"/,
    ],
    [
      'at a worker that accepts plain payloads',
      { ...a, PAYLOAD_ACCEPT_PLAIN: 'true' },
      {},
      /Cannot read the result of .*2024-03-09: .*PAYLOAD_KEYS is not set here/,
    ],
  ];
  for (const [where, ofWorker, ofClient, words] of cases)
    test(`keys ${where}`, async () => {
      const TEMPORAL_TASK_QUEUE = `${taskQueue}-${randomBytes(4).toString('hex')}`;
      await queue.startWorker({
        taskQueue: TEMPORAL_TASK_QUEUE,
        workflowBundle: await workflowBundle({ encrypting: 'PAYLOAD_KEYS' in ofWorker }),
        ...dataConverter(ofWorker),
      });
      const run = startClient(['run', '--date', '2024-03-09'], { ...env, ...ofClient, TEMPORAL_TASK_QUEUE });
      await until(`the client says ${String(words)}`, () => words.test(run.output()));
      assert.doesNotMatch(run.output(), /^ +at /m);
      const handle = queue.client.workflow.getHandle(`${TEMPORAL_TASK_QUEUE}-2024-03-09`);
      if ((await handle.describe()).status.name === 'RUNNING') await handle.terminate();
      assert.equal((await run.ended).code, 1);
    });
});
