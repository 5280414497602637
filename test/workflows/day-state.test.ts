import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DAY_STATE_PARAMETERS } from '../../domain/feeds.ts';
import type { DayResult } from '../../domain/day.ts';
import type { salesIncrement } from '../../workflows/index.ts';
import { callsOf, failureOf, stackFor, until } from '../client/harness.ts';
import { resetRun, resetPoints } from '../support/reset.ts';
import { TestStack } from '../support/stack.ts';

interface State {
  state: string;
  missing_files: string[];
  is_stale: boolean;
}

/** As `status` derives it. */
async function stateOf(stack: TestStack, date: string): Promise<State | undefined> {
  const [row] = await stack.rows<State>(
    'select state, missing_files, is_stale from staging.day_state($1, $1, $2, $3)',
    [date, ...DAY_STATE_PARAMETERS],
  );
  return row;
}

async function recorded(stack: TestStack, date: string) {
  const [row] = await stack.rows<{ outcome: string; accepted_missing: string[]; warnings: string[] }>(
    'select outcome, accepted_missing, warnings from staging.day_load where load_date = $1',
    [date],
  );
  return row;
}

async function startFiles(stack: TestStack, loadDate: string, files: string[], id = files.join('-')) {
  return await stack.client.workflow.start<typeof salesIncrement>('salesIncrement', {
    workflowId: `${stack.taskQueue}-${loadDate}-${id}`,
    taskQueue: stack.taskQueue,
    args: [{ loadDate, files, options: { reportPollIntervalMs: 50 } }],
  });
}

async function runFiles(stack: TestStack, loadDate: string, ...files: string[]): Promise<DayResult> {
  return await (await startFiles(stack, loadDate, files)).result();
}

describe('a run of some files of a date (contract, ruling 15)', { concurrency: 4 }, () => {
  let stack: TestStack;
  before(async () => {
    stack = await TestStack.start({ settings: { DATABASE_POOL_SIZE: '20' } });
  });
  after(() => stack.close());

  test('leaves a date that was never loaded missing, and names what it needs', async () => {
    const date = '2024-03-09';
    stack.deliveries.set(date, [{ uniq_id: 'a' }]);
    const result = await runFiles(stack, date, 'price_log_inc');
    assert.equal(result.outcome, 'partial');
    assert.deepEqual(result.only, ['price_log_inc']);
    assert.match(result.warnings.join(), /user_order_log_inc is not loaded yet/);
    assert.equal(await recorded(stack, date), undefined);
    assert.deepEqual(await stateOf(stack, date), {
      state: 'missing',
      missing_files: ['user_order_log_inc', 'user_activity_log_inc', 'customer_research_inc'],
      is_stale: false,
    });
    assert.equal((await stack.runDay(date)).outcome, 'loaded');
    assert.deepEqual(await stateOf(stack, date), { state: 'loaded', missing_files: [], is_stale: false });
  });

  test('leaves a refused date failed', async () => {
    const date = '2024-03-11';
    stack.deliveries.set(date, '<html>gone</html>');
    await failureOf(stack.runDay(date));
    assert.equal((await runFiles(stack, date, 'customer_research_inc')).outcome, 'partial');
    assert.equal((await stateOf(stack, date))?.state, 'failed');
  });

  test('makes the date loaded when nothing is missing any more', async () => {
    const date = '2024-03-12';
    stack.deliveries.set(date, [{ uniq_id: 'c' }]);
    const [files] = DAY_STATE_PARAMETERS;
    for (const [index, file] of files.entries()) {
      const { outcome } = await runFiles(stack, date, file);
      assert.equal(outcome, index === files.length - 1 ? 'loaded' : 'partial');
    }
    assert.equal((await recorded(stack, date))?.outcome, 'loaded');
    assert.equal((await stateOf(stack, date))?.state, 'loaded');
    assert.equal((await stack.rows("select from mart.f_sales where uniq_id = 'c'")).length, 1);
  });

  test('keeps what the date was loaded without, until that file comes', async () => {
    const date = '2024-03-13';
    stack.deliveries.set(date, [{ uniq_id: 'd' }], { customer_research_inc: null });
    const result = await stack.runDay(date, { optionalFiles: ['customer_research_inc'] });
    assert.equal(result.outcome, 'loaded');
    assert.match(result.warnings.join(), /customer_research_inc was missing/);
    assert.deepEqual((await recorded(stack, date))?.accepted_missing, ['customer_research_inc']);
    assert.equal((await runFiles(stack, date, 'price_log_inc')).outcome, 'loaded');
    assert.deepEqual((await recorded(stack, date))?.accepted_missing, ['customer_research_inc']);
    stack.deliveries.set(date, [{ uniq_id: 'd' }]);
    assert.equal((await runFiles(stack, date, 'customer_research_inc')).outcome, 'loaded');
    assert.deepEqual((await recorded(stack, date))?.accepted_missing, []);
  });

  test('is waited for by a run of the whole date, which then loads', async (t) => {
    const own = await stackFor(t, { api: { pollsUntilReady: Infinity } });
    const date = '2024-03-14';
    own.deliveries.set(date, [{ uniq_id: 'e' }]);
    const some = await startFiles(own, date, ['price_log_inc']);
    await until('it waits for its report', () => callsOf(own, 'get_report').length > 0);
    const whole = await own.startDay(date);
    await until('the whole run waits', async () => {
      const { currentStep } = await whole.query<{ currentStep: string }>('state');
      return currentStep.startsWith('Waiting for workflow');
    });
    own.api.setReady({ pollsUntilReady: 0 });
    assert.equal((await some.result()).outcome, 'partial');
    const result = await whole.result();
    assert.equal(result.outcome, 'loaded');
    assert.equal(result.joined, undefined);
    assert.equal(Object.keys(result.files).length, 4);
  });
});

describe('outcomes are ordered (contract, ruling 16)', { concurrency: 4 }, () => {
  let stack: TestStack;
  before(async () => {
    stack = await TestStack.start({ settings: { DATABASE_POOL_SIZE: '20' } });
  });
  after(() => stack.close());

  for (const [name, prepare] of Object.entries({
    'no increment': (date: string) => stack.deliveries.byDate.delete(date),
    'a refused file': (date: string) => stack.deliveries.set(date, '<html>gone</html>'),
  })) {
    test(`${name}, of an old run that is reset, replaces nothing newer`, async () => {
      const date = name === 'no increment' ? '2024-04-01' : '2024-04-02';
      prepare(date);
      const old = await stack.startDay(date, {}, `${date}-old`);
      await old.result().catch(() => undefined);
      stack.deliveries.set(date, [{ uniq_id: date }]);
      assert.equal((await stack.runDay(date)).outcome, 'loaded');
      // The last points lie behind what the old run was told; its outcome alone is recorded again.
      const points = await resetPoints(stack, old.workflowId, old.firstExecutionRunId);
      const last = points.at(-2) ?? points.at(-1);
      assert.ok(last);
      await resetRun(stack, old.workflowId, old.firstExecutionRunId, last).catch(() => undefined);
      assert.equal((await recorded(stack, date))?.outcome, 'loaded');
      assert.equal((await stateOf(stack, date))?.state, 'loaded');
    });
  }

  test('NOT FOUND for a date that is loaded leaves it loaded, with a warning', async () => {
    const date = '2024-04-03';
    stack.deliveries.set(date, [{ uniq_id: date }]);
    await stack.runDay(date);
    stack.deliveries.byDate.delete(date);
    const result = await stack.runDay(date);
    assert.equal(result.outcome, 'loaded');
    assert.match(result.warnings.join(), /had no increment for this date any more/);
    const row = await recorded(stack, date);
    assert.equal(row?.outcome, 'loaded');
    assert.match(row.warnings.join(), /what was loaded before stays/);
    assert.equal((await stack.rows(`select from mart.f_sales where uniq_id = '${date}'`)).length, 1);
  });

  test('a run that has only waited for another one records nothing when it is cancelled', async (t) => {
    const own = await stackFor(t, { api: { pollsUntilReady: Infinity } });
    const date = '2024-04-04';
    own.deliveries.set(date, [{ uniq_id: date }]);
    const holder = await own.startDay(date, {}, 'holder');
    await until('it waits for its report', () => callsOf(own, 'get_report').length > 0);
    const waiting = await own.startDay(date, {}, 'waiting');
    await until('the other waits', async () => {
      const { currentStep } = await waiting.query<{ currentStep: string }>('state');
      return currentStep.startsWith('Waiting for workflow');
    });
    await waiting.cancel();
    await assert.rejects(waiting.result());
    assert.equal(await recorded(own, date), undefined);
    own.api.setReady({ pollsUntilReady: 0 });
    assert.equal((await holder.result()).outcome, 'loaded');
    assert.equal((await recorded(own, date))?.outcome, 'loaded');
  });
});
