import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { addDays } from '../../domain/load-date.ts';
import { DAY_STATE_PARAMETERS } from '../../domain/feeds.ts';
import type { DayResult } from '../../domain/day.ts';
import { failureOf, until } from '../client/harness.ts';
import { dump } from '../support/dump.ts';
import { resetRun, resetPoints } from '../support/reset.ts';
import { TestStack } from '../support/stack.ts';

const stack = await TestStack.start({ settings: { DATABASE_POOL_SIZE: '20' } });
after(() => stack.close());

const stateOf = async (date: string) => (await stack.status(date)).state;

function runFiles(date: string, ...files: string[]): Promise<DayResult> {
  return stack.runDay(date, { files, volumeAlertShare: 0.5 }, `${date}-${files.join('-')}`);
}

describe('a run of some files of a date (contract, ruling 15)', { concurrency: 4 }, () => {
  test('leaves a refused date failed, and makes it loaded when nothing is missing any more', async () => {
    const date = '2024-03-12';
    stack.deliveries.set(date, '<html>gone</html>');
    await failureOf(stack.runDay(date));
    const [files] = DAY_STATE_PARAMETERS;
    for (const [index, file] of files.toReversed().entries()) {
      if (index === files.length - 1) stack.deliveries.set(date, [{ uniq_id: 'c' }]);
      const { outcome } = await runFiles(date, file);
      const expected = index === files.length - 1 ? ['loaded', 'loaded'] : ['partial', 'failed'];
      assert.deepEqual([outcome, await stateOf(date)], expected, file);
    }
    assert.equal((await stack.rows("select from mart.f_sales where uniq_id = 'c'")).length, 1);
  });

  test('keeps what the date was loaded without, until that file comes', async () => {
    const date = '2024-03-13';
    stack.deliveries.set(date, [{ uniq_id: 'd' }], { customer_research_inc: null });
    const result = await stack.runDay(date, { optionalFiles: ['customer_research_inc'] });
    assert.equal(result.outcome, 'loaded');
    assert.match(result.warnings.join(), /customer_research_inc was missing/);
    assert.deepEqual((await stack.status(date)).accepted_missing, ['customer_research_inc']);
    assert.equal((await runFiles(date, 'price_log_inc')).outcome, 'loaded');
    assert.deepEqual((await stack.status(date)).accepted_missing, ['customer_research_inc']);
    stack.deliveries.set(date, [{ uniq_id: 'd' }]);
    assert.equal((await runFiles(date, 'customer_research_inc')).outcome, 'loaded');
    assert.deepEqual((await stack.status(date)).accepted_missing, []);
  });
});

describe('outcomes are ordered (contract, ruling 16)', { concurrency: 4 }, () => {
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
      assert.equal(await stateOf(date), 'loaded');
    });
  }
});

describe('a warning is about what is staged (contract, ruling 46)', { concurrency: 4 }, () => {
  const VOLUME = /^user_order_log_inc kept 1 rows; the median of its last loaded days is 10/;
  const NOT_FOUND = /had no increment for this date any more; what was loaded before stays$/;
  const REFUSED =
    /^a newer delivery could not be loaded, and what was loaded before stays: user_order_log_inc of .* is refused: it is an HTML/;

  async function warns(date: string, ...expected: RegExp[]): Promise<void> {
    const { warnings } = await stack.status(date);
    assert.equal(warnings.length, expected.length, warnings.join('\n'));
    for (const [index, warning] of warnings.entries()) assert.match(warning, expected[index] ?? /^$/);
  }

  test('few rows stay few, and a refused delivery is told, whatever else is run, until the file is loaded anew', async () => {
    const orders = (date: string, count: number) =>
      Array.from({ length: count }, (_, index) => ({ uniq_id: `${date}-${index}` }));
    for (let day = 0; day < 4; day += 1) {
      const date = addDays('2024-06-01', day);
      stack.deliveries.set(date, orders(date, 10));
      await stack.runDay(date, { volumeAlertShare: 0.5 });
    }
    const date = '2024-06-05';
    stack.deliveries.set(date, orders(date, 1));
    await stack.runDay(date, { volumeAlertShare: 0.5 });
    await warns(date, VOLUME);
    await runFiles(date, 'price_log_inc');
    await warns(date, VOLUME);
    const delivered = stack.deliveries.byDate.get(date);
    assert.ok(delivered);
    stack.deliveries.byDate.delete(date);
    const notFound = await stack.runDay(date);
    assert.equal(notFound.outcome, 'loaded');
    assert.match(notFound.warnings.join(), /had no increment for this date any more/);
    await warns(date, NOT_FOUND, VOLUME);
    // Only that file is newer than the answer.
    stack.deliveries.byDate.set(date, delivered);
    await runFiles(date, 'price_log_inc');
    await warns(date, NOT_FOUND, VOLUME);
    // A refused redelivery is hidden neither by a run of another file, which fails and heals, nor by NOT FOUND.
    stack.deliveries.set(date, '<html>refused</html>', { price_log_inc: '<html>' });
    await failureOf(runFiles(date, 'user_order_log_inc'));
    assert.equal(await stateOf(date), 'failed');
    await warns(date, NOT_FOUND, VOLUME);
    await runFiles(date, 'customer_research_inc');
    await warns(date, NOT_FOUND, REFUSED, VOLUME);
    await failureOf(runFiles(date, 'price_log_inc'));
    await warns(date, NOT_FOUND, REFUSED, VOLUME);
    stack.deliveries.set(date, '<html>refused</html>');
    await runFiles(date, 'price_log_inc');
    stack.deliveries.byDate.delete(date);
    await stack.runDay(date);
    await warns(date, NOT_FOUND, REFUSED, VOLUME);
    // The causes go one by one: enough rows now, an answer with all files, a good file.
    stack.deliveries.set(date, orders(date, 10));
    await runFiles(date, 'user_order_log_inc');
    await warns(date, NOT_FOUND);
    await stack.runDay(date);
    await warns(date);
  });
});

test('cancelled while it stages: the file that is being staged stays as it was, and the next run loads', async () => {
  const [date, tables] = ['2024-08-01', ['price_log', 'f_sales', 'd_customer']] as const;
  stack.deliveries.set(date, [{ uniq_id: 'a' }]);
  await stack.runDay(date);
  const before = await dump(stack.db.pool, [...tables]);
  stack.deliveries.set(date, [{ uniq_id: 'b', customer_id: 7 }], { price_log_inc: 'Чай,3\nКофе,4\n' });
  const blocker = await stack.db.pool.connect();
  await blocker.query('begin; lock table staging.price_log in share mode');
  const run = await stack.startDay(date);
  const blocked = async () => {
    const { rows } = await stack.db.pool.query(
      `select from pg_stat_activity where application_name like 'sales-increment worker %' and wait_event_type = 'Lock'
         and datname = current_database()`,
    );
    return rows.length > 0;
  };
  await until('the staging of price_log waits for the lock', blocked);
  await run.cancel();
  assert.equal((await failureOf(run.result())).type, 'Cancelled');
  await until('its statement is ended', async () => !(await blocked()));
  const { state, error } = await stack.status(date);
  assert.deepEqual([state, error], ['failed', 'The run was cancelled.']);
  await blocker.query('commit');
  blocker.release();
  assert.equal(await dump(stack.db.pool, [...tables]), before);
  assert.equal((await stack.runDay(date)).outcome, 'loaded');
  const prices = await stack.rows(
    `select name from staging.price_log where load_date = '${date}' order by name`,
  );
  assert.deepEqual(prices, [{ name: 'Кофе' }, { name: 'Чай' }]);
});
