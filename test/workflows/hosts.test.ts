import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { workflowFailure } from '../../client/failure-text.ts';
import { eachDay } from '../../domain/load-date.ts';
import { callsOf, kill, stackFor, startWorkerProcess, until } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';

const { TIMEOUT_TYPE_HEARTBEAT, TIMEOUT_TYPE_START_TO_CLOSE } = proto.temporal.api.enums.v1.TimeoutType;

test('the worker that downloaded dies for good: the day ends on another, with another disk', async (t) => {
  const stack = await TestStack.start({ worker: false });
  const directories = await Promise.all(
    ['first-', 'second-'].map((name) => mkdtemp(path.join(tmpdir(), name))),
  );
  const [first = '', second = ''] = directories;
  try {
    stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
    // The last file takes long, so that the worker has landed the others and staged nothing.
    stack.api.addFault({ on: 'storage', file: 'price_log_inc', times: 1, do: 'hang' });
    const doomed = await startWorkerProcess(t, stack, { LANDING_DIR: first });
    const handle = await stack.startDay('2024-02-25');
    const landed = path.join(first, '2024-02-25', 'user_order_log_inc.csv');
    await until('the first file is landed', () => existsSync(landed));
    const other = await startWorkerProcess(t, stack, { LANDING_DIR: second });
    await kill(doomed);
    const { outcome, files } = await handle.result();
    assert.equal(outcome, 'loaded');
    assert.equal(files.user_order_log_inc?.rows_kept, 1);
    assert.ok(existsSync(path.join(second, '2024-02-25', 'user_order_log_inc.csv')));
    // The loss showed by the heartbeat, which may be missing for 5 s, and not by the limit of a whole try.
    const { events } = await handle.fetchHistory();
    const timeouts = events?.map(
      (e) => e.activityTaskTimedOutEventAttributes?.failure?.timeoutFailureInfo?.timeoutType,
    );
    assert.ok(timeouts?.includes(TIMEOUT_TYPE_HEARTBEAT) && !timeouts.includes(TIMEOUT_TYPE_START_TO_CLOSE));
    other.kill('SIGTERM');
    assert.equal((await other.ended).code, 0);
  } finally {
    for (const directory of directories) await rm(directory, { recursive: true, force: true });
    await stack.close();
  }
});

test('the landing queue of a directory survives a restart', async () => {
  const stack = await TestStack.start({ worker: false });
  try {
    const one = await stack.startWorker();
    one.stop();
    await one.stopped;
    const two = await stack.startWorker();
    assert.equal(one.landingTaskQueue, two.landingTaskQueue);
    assert.match(one.landingTaskQueue, new RegExp(`^${stack.taskQueue}@`));
  } finally {
    await stack.close();
  }
});

/** Directories for landing, removed when the test ends. */
async function directoriesFor(t: TestContext, ...names: string[]): Promise<string[]> {
  const directories = await Promise.all(names.map((name) => mkdtemp(path.join(tmpdir(), `${name}-`))));
  t.after(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));
  return directories;
}

/** Tries of `chooseLanding` whose waits sum up to a minute (200 ms, and 5 % more each time). */
const TRIES_OF_A_MINUTE = 57;

/** The most tries that one `chooseLanding` of a run took. */
async function triesToChoose(run: WorkflowHandle): Promise<number> {
  const { events } = await run.fetchHistory();
  const chosen = new Set(
    events
      ?.filter((e) => e.activityTaskScheduledEventAttributes?.activityType?.name === 'chooseLanding')
      .map((e) => Number(e.eventId)),
  );
  const started = events?.map((e) => e.activityTaskStartedEventAttributes) ?? [];
  const tries = started
    .filter((a) => a && chosen.has(Number(a.scheduledEventId)))
    .map((a) => a?.attempt ?? 0);
  return Math.max(...tries);
}

describe('landing directories, workers and queues', { concurrency: 4 }, () => {
  test('a landing directory that cannot be used holds no day where another worker could take it', async (t) => {
    const stack = await stackFor(t, { worker: false });
    const [broken = '', healthy = ''] = await directoriesFor(t, 'broken', 'healthy');
    await startWorkerProcess(t, stack, { LANDING_DIR: broken });
    await startWorkerProcess(t, stack, { LANDING_DIR: healthy });
    // Nothing can be made below a file, not even by root.
    await rm(broken, { recursive: true });
    await writeFile(broken, '');
    const dates = eachDay('2024-02-01', '2024-02-06');
    for (const date of dates) stack.deliveries.set(date, [{ uniq_id: date }]);
    const runs = await Promise.all(dates.map((date) => stack.startDay(date)));
    const results = await Promise.all(runs.map((run) => run.result()));
    assert.ok(results.every(({ outcome }) => outcome === 'loaded'));
    for (const run of runs) assert.ok((await triesToChoose(run)) <= TRIES_OF_A_MINUTE);
    assert.equal((await readdir(healthy)).filter((name) => name.startsWith('2024')).length, dates.length);
  });

  test('alone, it holds the day until it can be used again', async (t) => {
    const stack = await stackFor(t);
    stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
    await rm(stack.landingDir, { recursive: true });
    await writeFile(stack.landingDir, '');
    const run = await stack.startDay('2024-02-25');
    await until('a step is tried again', async () => {
      const { raw } = await run.describe();
      return /landing directory cannot be used/.test(raw.pendingActivities?.[0]?.lastFailure?.message ?? '');
    });
    await rm(stack.landingDir);
    assert.equal((await run.result()).outcome, 'loaded');
  });

  test('where the disk takes no file although it can be written, the days go on elsewhere, and alone when it does again', async (t) => {
    const stack = await stackFor(t, { worker: false });
    const [broken = '', healthy = ''] = await directoriesFor(t, 'broken', 'healthy');
    const dates = eachDay('2024-02-01', '2024-02-04');
    const obstacles = dates.map((date) => path.join(broken, date, 'price_log_inc.csv', 'obstacle'));
    for (const obstacle of obstacles) await mkdir(obstacle, { recursive: true });
    for (const date of dates) stack.deliveries.set(date, [{ uniq_id: date }]);
    await startWorkerProcess(t, stack, { LANDING_DIR: broken });
    const [alone = '', ...others] = dates;
    const waiting = await stack.startDay(alone);
    const state = () => waiting.query<{ currentStep: string }>('state');
    await until('it is landed again', async () =>
      /^Landing the files of .* again/.test((await state()).currentStep),
    );
    await rm(path.dirname(obstacles[0] ?? ''), { recursive: true });
    assert.equal((await waiting.result()).outcome, 'loaded');
    await startWorkerProcess(t, stack, { LANDING_DIR: healthy });
    const runs = await Promise.all(others.map((date) => stack.startDay(date)));
    const results = await Promise.all(runs.map((run) => run.result()));
    assert.ok(results.every(({ outcome }) => outcome === 'loaded'));
    for (const run of runs) assert.ok((await triesToChoose(run)) <= TRIES_OF_A_MINUTE);
  });

  test('a worker on the same disk goes on with the files that a killed one has landed', async (t) => {
    const stack = await stackFor(t, { worker: false });
    stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
    stack.api.addFault({ on: 'storage', file: 'price_log_inc', times: 1, do: 'hang' });
    const doomed = await startWorkerProcess(t, stack);
    const run = await stack.startDay('2024-02-25');
    const landed = () => readdir(path.join(stack.landingDir, '2024-02-25')).catch(() => []);
    await until('three files are landed', async () => {
      return (await landed()).filter((name) => name.endsWith('.csv')).length === 3;
    });
    await startWorkerProcess(t, stack);
    await kill(doomed);
    assert.equal((await run.result()).outcome, 'loaded');
    assert.equal(callsOf(stack, 'storage').length, 4 + 1);
  });

  test('40 days on one slot: a busy landing queue is not taken for a lost worker, nothing is downloaded twice', async (t) => {
    const stack = await stackFor(t, { settings: { DATABASE_POOL_SIZE: '2' } });
    // Some downloads take their time: most days wait far longer than a lost worker is waited for.
    stack.api.addFault({ on: 'storage', file: 'price_log_inc', times: 3, do: 'trickle', bytesPerSecond: 6 });
    const dates = eachDay('2024-02-01', '2024-03-11');
    for (const date of dates) stack.deliveries.set(date, [{ uniq_id: date }]);
    const runs = await Promise.all(dates.map((date) => stack.startDay(date)));
    const results = await Promise.all(runs.map((run) => run.result()));
    assert.ok(results.every(({ outcome }) => outcome === 'loaded'));
    assert.equal(callsOf(stack, 'storage').length, dates.length * 4);
    const lengths = await Promise.all(runs.map(async (run) => (await run.describe()).historyLength));
    assert.ok(Math.max(...lengths) < 1_000, `${Math.max(...lengths)} events`);
  });

  test('two landing directories with one id: the day ends after some rounds, and says why', async (t) => {
    const stack = await stackFor(t, { worker: false });
    const directories = await directoriesFor(t, 'original', 'copy');
    for (const directory of directories) await writeFile(path.join(directory, '.landing-id'), 'same\n');
    for (const LANDING_DIR of directories) await startWorkerProcess(t, stack, { LANDING_DIR });
    stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
    const run = await stack.startDay('2024-02-25');
    const failure = await run.result().then(
      () => undefined,
      (error: unknown) => workflowFailure(error),
    );
    const { historyLength } = await run.describe();
    assert.ok(historyLength < 500, `${historyLength} events`);
    // By chance one worker may have taken all steps.
    if (failure) assert.match(failure.message, /have the same \.landing-id/);
  });
});
