import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure } from '@temporalio/common';
import type { BackfillPlan } from '../../activities/backfill.ts';
import { eachDay } from '../../domain/load-date.ts';
import type { Backfill } from '../../schemas/documents.ts';
import type { BackfillState } from '../../workflows/steps/backfill-control.ts';
import { callsOf, kill, startWorkerProcess, until } from '../client/harness.ts';
import { startClient } from '../support/client.ts';
import { FakeQueue, fakeDays, type FakeDay } from '../support/fake-day.ts';
import { FAST_OPTIONS as OPTIONS } from '../support/fast-options.ts';
import { TestStack } from '../support/stack.ts';
import { incrementWithout, USUAL_ANSWERS, type Answers } from '../support/usual-answers.ts';

const stack = await TestStack.start({ worker: false, settings: { FILES_TIMEOUT: '1h' } });
after(() => stack.close());

/** `client backfill`; how it ended, with its document. */
function backfill(line: string) {
  const started = startClient(['backfill', ...line.split(' '), '--json'], stack.environment);
  const ended = started.ended.then(({ code, stdout }) => ({ code, ...(JSON.parse(stdout) as Backfill) }));
  return { ...started, ended };
}

const countReports = () => callsOf(stack, 'generate_report').length;

describe('backfill', () => {
  test('survives the death of its worker, again and again', async (t) => {
    const [from, to] = ['2024-04-01', '2024-04-24'];
    const days = eachDay(from, to);
    for (const day of days) stack.deliveries.set(day, [{ uniq_id: day }]);
    const { ended, output } = backfill(`--from ${from} --to ${to}`);
    for (const date of ['2024-04-01', '2024-04-08', '2024-04-16']) {
      const worker = await startWorkerProcess(t, stack);
      // A crash between the report's answer and its record may ask for a second one (contract, ruling 19).
      await until(`${date} begins`, () => callsOf(stack, 'get_increment', date).length > 0);
      await kill(worker);
    }
    await stack.startWorker();
    const { code, loaded } = await ended;
    assert.deepEqual([code, loaded], [0, days]);
    assert.equal(countReports(), 1);
    const done = [...output().matchAll(/^(\d+) of 24 days/gm)].map(([, days]) => Number(days));
    assert.ok(done.length > 3, output());
    assert.deepEqual(
      done,
      done.toSorted((a, b) => a - b),
      'progress never goes backwards',
    );
    assert.equal((await stack.rows('select from mart.f_sales')).length, days.length);
  });

  test('loads a range with one report, goes on past failing days, ends with 1 and names them', async () => {
    for (const day of eachDay('2024-03-01', '2024-03-06')) stack.deliveries.set(day, [{ uniq_id: day }]);
    const range = '--from 2024-03-01 --to 2024-03-06';
    stack.deliveries.byDate.delete('2024-03-02');
    stack.deliveries.set('2024-03-03', '<html>gone</html>');
    const before = countReports();
    const { code, loaded, no_increment, failed } = await backfill(`${range} --concurrency 3`).ended;
    assert.deepEqual([code, countReports() - before], [1, 1]);
    assert.deepEqual(loaded, ['2024-03-01', '2024-03-04', '2024-03-05', '2024-03-06']);
    assert.deepEqual(no_increment, ['2024-03-02']);
    assert.deepEqual(
      failed.map(({ date }) => date),
      ['2024-03-03'],
    );
    assert.match(failed[0]?.error ?? '', /user_order_log_inc of 2024-03-03 is refused: it is an HTML/);

    stack.deliveries.set('2024-03-03', [{ uniq_id: 'late' }]);
    const again = await backfill(`${range} --only-missing`).ended;
    assert.deepEqual([again.code, again.loaded], [0, ['2024-03-03']]);
    const state = await stack.client.workflow.getHandle(again.workflow_id).query<BackfillState>('progress');
    assert.deepEqual([state.days, state.loaded], [1, 1], 'only the days that were open count');
  });

  test('is joined by a second start, which changes its concurrency; cancelled, it stops its days cleanly', async () => {
    for (const day of eachDay('2024-07-01', '2024-07-09'))
      stack.deliveries.set(day, [{ uniq_id: day }], { price_log_inc: null });
    const range = '--from 2024-07-01 --to 2024-07-09';
    const one = backfill(`${range} --concurrency 1`);
    await one.says('Started');
    const other = backfill(`${range} --concurrency 3`);
    await other.says('Now loading up to 3 days in parallel.');
    await until('three days run', () => callsOf(stack, 'get_increment', '2024-07-03').length > 0);
    await backfill(`${range} --cancel`).ended;
    for (const { code, error } of [await one.ended, await other.ended])
      assert.deepEqual([code, error], [1, 'The run was cancelled.']);
    const running = stack.client.workflow.list({
      query: `TaskQueue = '${stack.taskQueue}' AND ExecutionStatus = 'Running'`,
    });
    for await (const { workflowId } of running) {
      // The list may lag behind.
      const { status } = await stack.client.workflow.getHandle(workflowId).describe();
      assert.notEqual(status.name, 'RUNNING', `${workflowId} runs on`);
    }
    assert.equal(callsOf(stack, 'get_increment', '2024-07-04').length, 0);
  });
});

const given = fakeDays();

const RANGE = { from: '2024-02-25', to: '2024-02-26', concurrency: 1 };
const PLAN = { options: OPTIONS, tagged: false, hasWebhook: false };

/** Lists one day a run, and only when it is let. */
class Planning {
  #begun = 0;
  #release: () => void = () => undefined;

  constructor(day: FakeDay) {
    day.answers.planBackfill = async (input): Promise<BackfillPlan> => {
      this.#begun += 1;
      await new Promise<void>((resolve) => (this.#release = resolve));
      const isContinued = (input as { checkpoint?: unknown }).checkpoint !== undefined;
      return isContinued
        ? { ...PLAN, days: ['2024-02-26'], daysLeft: 1 }
        : { ...PLAN, days: ['2024-02-25'], daysLeft: 2 };
    };
  }

  async begun(times: number): Promise<void> {
    await until(`it plans for the ${times}. time`, () => this.#begun >= times);
  }

  end(): void {
    this.#release();
  }
}

describe('a backfill can be steered at any moment (contract, ruling 48)', () => {
  test('while it lists its days, at its start and behind a continue-as-new', async () => {
    const day = given();
    const planning = new Planning(day);
    const run = await day.startRun('salesBackfill', RANGE);
    await planning.begun(1);
    assert.match(await run.executeUpdate<string, []>('pause'), /^Paused/);
    for (const wrong of [0, 101, 1.5, '3', null])
      await assert.rejects(
        run.executeUpdate('setConcurrency', { args: [wrong] }),
        (error: Error) => /from 1 to 100/.test((error.cause as Error).message),
        `${String(wrong)} (ruling 61)`,
      );
    for (const concurrency of [100, 7])
      assert.match(
        await run.executeUpdate('setConcurrency', { args: [concurrency] }),
        new RegExp(`up to ${concurrency} days`),
      );
    const { days, paused, concurrency } = await run.query<BackfillState>('progress');
    assert.deepEqual({ days, paused, concurrency }, { days: null, paused: true, concurrency: 7 });
    planning.end();
    await until('the days are listed', async () => {
      const state = await run.query<BackfillState>('progress');
      return state.days === 2;
    });
    assert.equal(day.count('planDay'), 0, 'paused while it planned, it begins no day');
    await run.executeUpdate('resume');

    await planning.begun(2);
    assert.equal(day.count('planDay'), 1);
    assert.equal((await run.query<BackfillState>('progress')).concurrency, 7, 'it is carried on');
    await run.executeUpdate('pause');
    planning.end();
    await until('the days are listed again', async () => {
      const state = await run.query<BackfillState>('progress');
      return state.days === 2 && state.paused;
    });
    assert.equal(day.count('planDay'), 1);
    await run.executeUpdate('resume');
    assert.deepEqual(await run.result(), {
      from: '2024-02-25',
      to: '2024-02-26',
      loaded: 2,
      no_increment: 0,
      failed: 0,
    });
    assert.equal(day.count('generateReport'), 1, 'one report for all its days');
  });
});

test('a cancelled backfill ends, also when its day has continued as new', async () => {
  const planBackfill = () => ({
    ...PLAN,
    ...{ options: { ...OPTIONS, reportPollIntervalMs: 1 }, days: ['2024-02-25'], daysLeft: 1 },
  });
  const day = given({ planBackfill, getIncrement: () => incrementWithout('price_log') });
  const run = await day.startRun('salesBackfill', { ...RANGE, to: '2024-02-25' });
  // It plans once in each of its runs.
  await until('the day has continued as new', () => day.count('planDay') > 1);
  await run.cancel();
  await assert.rejects(run.result(), (error: Error) => error.cause instanceof CancelledFailure);
});

test('a run goes before a backfill that fills the only worker', async (t) => {
  const queue = await FakeQueue.start();
  t.after(() => queue.close());
  await queue.startWorker({ maxConcurrentActivityTaskExecutions: 2 });
  const claimDay: Answers['claimDay'] = async (...args) => {
    await sleep(50);
    return await USUAL_ANSWERS.claimDay(...args);
  };
  const backfill = queue.day({ claimDay });
  const handle = await backfill.startRun('salesBackfill', {
    ...{ from: '2023-01-01', to: '2023-04-10', concurrency: 20 },
  });
  await until('it is under way', () => backfill.count('planDay') >= 20);
  const before = backfill.count('updateFSales');
  assert.equal((await (await queue.day().start()).result()).outcome, 'loaded');
  const meanwhile = backfill.count('updateFSales') - before;
  // In turn with the others it would be through after the twenty days in progress.
  assert.ok(meanwhile < 10, `${meanwhile} days were loaded meanwhile`);
  await handle.terminate();
});
