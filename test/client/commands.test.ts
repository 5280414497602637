import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FEEDS, fileNames } from '../../domain/feeds.ts';
import { Proxy } from '../chaos/proxy.ts';
import { databaseFor, variable } from '../support/database.ts';
import { client, start, type Ended } from '../support/processes.ts';
import { TestStack } from '../support/stack.ts';
import { callsOf, kill, until } from './harness.ts';

interface RunDocument {
  date: string;
  outcome: string;
  files: Record<string, Record<string, number>>;
  workflow_id: string | null;
  run_id: string | null;
  error: string | null;
  next?: string | null;
}

interface StatusDocument {
  days: { date: string; state: string; error: string | null; next: string | null; rows_kept: number }[];
}

/** The one JSON document that standard output holds, and nothing else. */
function documentOf({ stdout }: Ended): unknown {
  assert.ok(stdout.startsWith('{') && stdout.endsWith('}\n'), stdout);
  return JSON.parse(stdout);
}

test('migrate: two at once on an empty database, and once more', async (t) => {
  const db = await databaseFor(t, { empty: true });
  const env = { DATABASE_URL: db.url };
  const both = await Promise.all([client(['migrate', '--json'], env), client(['migrate', '--json'], env)]);
  interface Migrated {
    version: number;
    applied: string[];
  }
  const [one, other] = both.map((ended) => {
    assert.equal(ended.code, 0, ended.stderr);
    return documentOf(ended) as Migrated;
  });
  assert.ok(one && other && one.version >= 3);
  assert.equal(one.version, other.version);
  const applied = [...one.applied, ...other.applied].sort();
  assert.equal(applied.length, one.version, 'every migration was applied once');
  assert.equal(new Set(applied).size, one.version);
  const again = await client(['migrate'], env);
  assert.deepEqual([again.code, again.stderr], [0, '']);
  assert.match(again.stdout, /^The schema is already at version \d+\.\n$/);
});

test('status: a stray date makes no range too long whose other end was chosen', async (t) => {
  const db = await databaseFor(t);
  await db.pool.query(
    `insert into staging.day_load (load_date, outcome, number, workflow_id, run_id, started_at, finished_at)
     select day::date, 'no_increment', 1, 'x', 'x', now(), now()
     from unnest(array['1900-01-01', '2024-03-01', '2999-12-31']) as day`,
  );
  const env = { DATABASE_URL: db.url, TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const ranges: [string[], RegExp, string | undefined][] = [
    [['--to', '2024-03-05'], /20 years to 2024-03-05 are shown/, '2024-03-05'],
    [['--from', '2024-03-01'], /; 2024-03-01 to 20\d\d-\d\d-\d\d are shown/, undefined],
  ];
  for (const [args, note, last] of ranges) {
    const ended = await client(['status', ...args, '--json'], env);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stderr, note);
    const { days } = documentOf(ended) as StatusDocument;
    assert.ok(days.some(({ date, state }) => date === '2024-03-01' && state === 'no_increment'));
    if (last !== undefined) assert.equal(days.at(-1)?.date, last);
  }
  const chosen = await client(['status', '--from', '1900-01-01', '--json'], env);
  assert.equal(chosen.code, 2, chosen.stderr);
});

describe('client commands', { concurrency: 2 }, () => {
  let stack: TestStack;
  before(async () => {
    stack = await TestStack.start({ api: { pollsUntilReady: 1 } });
  });
  after(() => stack.close());

  test('run and status of a day that loads, one without an increment, one that fails and one that is missing', async () => {
    stack.deliveries.set('2024-03-01', [{ uniq_id: 'a' }, { uniq_id: 'a', id: 7 }, { uniq_id: 'b' }]);
    stack.deliveries.set('2024-03-03', '<html></html>');
    const [loaded, none, failed] = await Promise.all(
      ['2024-03-01', '2024-03-02', '2024-03-03'].map((date) =>
        client(['run', '--date', date, '--json'], stack.environment),
      ),
    );
    assert.ok(loaded && none && failed);

    assert.equal(loaded.code, 0, loaded.stderr);
    const document = documentOf(loaded) as RunDocument;
    const { workflow_id, run_id } = document;
    assert.ok(workflow_id?.endsWith('2024-03-01') && run_id, 'the run is named');
    assert.deepEqual(document, {
      date: '2024-03-01',
      outcome: 'loaded',
      files: {
        ...Object.fromEntries(
          fileNames('increment').map((name) => [
            name,
            { rows_read: 1, rows_kept: 1, rows_duplicate: 0, rows_rejected: 0 },
          ]),
        ),
        user_order_log_inc: { rows_read: 3, rows_kept: 2, rows_duplicate: 1, rows_rejected: 0 },
        price_log_inc: { rows_read: 2, rows_kept: 2, rows_duplicate: 0, rows_rejected: 0 },
      },
      warnings: [],
      workflow_id,
      run_id,
      error: null,
    });
    assert.match(loaded.stderr, /^Started .*2024-03-01\.$/m);

    assert.equal(none.code, 0, none.stderr);
    const { outcome, files, error } = documentOf(none) as RunDocument;
    assert.deepEqual([outcome, files, error], ['no_increment', {}, null]);

    assert.equal(failed.code, 1);
    const failure = documentOf(failed) as RunDocument;
    assert.deepEqual([failure.date, failure.outcome, failure.files], ['2024-03-03', 'failed', {}]);
    assert.match(failure.error ?? '', /^user_order_log_inc of 2024-03-03 is refused: it is an HTML/);
    assert.ok(failure.workflow_id && failure.run_id && failure.next);
    assert.match(failed.stderr, /user_order_log_inc of 2024-03-03 is refused/);
    assert.doesNotMatch(failed.stderr, /^ +at /m, 'no stack trace');

    const range = ['status', '--from', '2024-02-29', '--to', '2024-03-03'];
    const [json, text] = await Promise.all([
      client([...range, '--json'], stack.environment),
      client(range, stack.environment),
    ]);
    assert.deepEqual([json.code, json.stderr], [0, '']);
    const { days } = documentOf(json) as StatusDocument;
    assert.deepEqual(
      days.map(({ date, state, rows_kept }) => [date, state, rows_kept]),
      [
        ['2024-02-29', 'missing', 0],
        ['2024-03-01', 'loaded', FEEDS.length + 2],
        ['2024-03-02', 'no_increment', 0],
        ['2024-03-03', 'failed', 0],
      ],
    );
    assert.match(days[0]?.next ?? '', /client -- run --date 2024-02-29/);
    assert.equal(days[1]?.error, null);
    assert.equal(days[3]?.error, failure.error);
    assert.equal(text.code, 0);
    assert.match(text.stdout, /4 days: 1 loaded, 1 no_increment, 1 missing, 1 failed\./);
    assert.match(text.stdout, /2024-03-03 failed: user_order_log_inc of 2024-03-03 is refused/);
  });

  test('run twice at once: both end well with one run, whose trouble they tell meanwhile', async () => {
    stack.deliveries.set('2024-03-05', [{ uniq_id: 'twice' }]);
    const action = { do: 'status', status: 503 } as const;
    stack.api.addFault({ on: 'get_increment', date: '2024-03-05', times: 3, ...action });
    const run = () => client(['run', '--date', '2024-03-05', '--json'], stack.environment);
    const [one, other] = await Promise.all([run(), run()]);
    assert.deepEqual([one.code, other.code], [0, 0], one.stderr + other.stderr);
    assert.deepEqual(documentOf(one), documentOf(other));
    assert.equal([one, other].filter(({ stderr }) => /^Started /m.test(stderr)).length, 1);
    assert.equal([one, other].filter(({ stderr }) => /is already running/.test(stderr)).length, 1);
    for (const { stderr } of [one, other]) {
      assert.match(stderr, /Retrying getIncrement: The report API answered 503 Service Unavailable/);
    }
    assert.equal(callsOf(stack, 'get_increment', '2024-03-05').length, 3 + 1 + FEEDS.length);
  });

  test('a day that is being loaded is running; when it is cancelled, its client says so', async (t) => {
    stack.deliveries.set('2024-03-06', [{ uniq_id: 'cancelled' }], { price_log_inc: null });
    const env = { ...stack.environment, FILES_TIMEOUT: '1h' };
    const run = start(['client/main.ts', 'run', '--date', '2024-03-06', '--json'], env);
    t.after(() => kill(run));
    await run.says('Waiting for price_log_inc of 2024-03-06');
    const status = await client(['status', '--from', '2024-03-06', '--to', '2024-03-06', '--json'], env);
    assert.equal((documentOf(status) as StatusDocument).days[0]?.state, 'running');
    await stack.client.workflow.getHandle(`${stack.taskQueue}-2024-03-06`).cancel();
    const ended = await run.ended;
    assert.equal(ended.code, 1);
    const { outcome, error } = documentOf(ended) as RunDocument;
    assert.deepEqual([outcome, error], ['failed', 'The run was cancelled.']);
  });

  test('no worker: run says so, and ends well once there is one; Ctrl-C ends only the client', async (t) => {
    stack.deliveries.set('2024-03-07', [{ uniq_id: 'late' }]);
    const env = { ...stack.environment, TEMPORAL_TASK_QUEUE: `${stack.taskQueue}-alone` };
    const args = ['client/main.ts', 'run', '--date', '2024-03-07', '--json'];
    const interrupted = start(args, env);
    t.after(() => kill(interrupted));
    await interrupted.says(`No worker polls the task queue "${stack.taskQueue}-alone"`);
    interrupted.kill('SIGINT');
    const { code, stdout, stderr } = await interrupted.ended;
    assert.deepEqual([code, stdout], [130, '']);
    assert.match(stderr, /keeps running; run the same command/);
    const joined = start(args, env);
    t.after(() => kill(joined));
    await joined.says('is already running');
    const version = { TEMPORAL_DEPLOYMENT_NAME: stack.taskQueue, TEMPORAL_WORKER_BUILD_ID: 'not-current' };
    await stack.startWorker({ TEMPORAL_TASK_QUEUE: `${stack.taskQueue}-alone`, ...version });
    await joined.says('are versions of a Worker Deployment of which none is current');
    await stack.startWorker({ TEMPORAL_TASK_QUEUE: `${stack.taskQueue}-alone` });
    const ended = await joined.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal((documentOf(ended) as RunDocument).outcome, 'loaded');
  });

  test('a Temporal that falls silent is told by whoever waits', async (t) => {
    const proxy = await Proxy.start(`tcp://${variable('TEMPORAL_ADDRESS')}`);
    t.after(() => proxy.close());
    const settings = {
      TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}`,
      TEMPORAL_TASK_QUEUE: `${stack.taskQueue}-silent`,
    };
    const run = start(['client/main.ts', 'run', '--date', '2024-03-08'], {
      ...stack.environment,
      ...settings,
    });
    t.after(() => kill(run));
    await run.says('No worker polls the task queue');
    proxy.freeze();
    await run.says('Temporal is not responding (no answer in time). Waiting for it.', 60_000);
  });

  test('run without a date takes yesterday', async () => {
    const day = (before: number) => new Date(Date.now() - before * 86_400_000).toISOString().slice(0, 10);
    const possible = [day(1)];
    const ended = await client(['run'], stack.environment);
    possible.push(day(1)); // in case midnight has passed
    assert.equal(ended.code, 0, ended.stderr);
    const [date = ''] = ended.stdout.split(':');
    assert.ok(possible.includes(date), ended.stdout);
    assert.match(ended.stdout, /the report API has no increment for this date/);
    await until('it is recorded', async () => {
      const days = await stack.rows('select from staging.day_load where load_date = $1', [date]);
      return days.length === 1;
    });
  });
});
