import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { RunState } from '../../workflows/steps/progress.ts';
import { callsOf, failureOf, stackFor, until } from '../client/harness.ts';
import { dump } from '../support/dump.ts';
import type { TestStack } from '../support/stack.ts';

const DATE = '2024-02-25';
/** So long that only a message can end a wait. */
const HOURS = { reportPollIntervalMs: 3_600_000, reportTimeoutMs: 7_200_000, filesTimeoutMs: 7_200_000 };

type Run = Awaited<ReturnType<TestStack['startDay']>>;

async function stateOf(run: Run): Promise<RunState> {
  return await run.query<RunState>('state');
}

async function untilStep(run: Run, doing: RegExp): Promise<RunState> {
  await until(`the run says ${String(doing)}`, async () => doing.test((await stateOf(run)).currentStep));
  return await stateOf(run);
}

async function outcomeOf(stack: TestStack) {
  const [row] = await stack.rows(
    'select outcome, error, error_type, accepted_missing from staging.day_load where load_date = $1',
    [DATE],
  );
  return row;
}

describe('what a person asks of a waiting run', { concurrency: 4 }, () => {
  test('retryNow ends the wait for the report', async (t) => {
    const stack = await stackFor(t, { api: { pollsUntilReady: 1 } });
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
    const run = await stack.startDay(DATE, HOURS);
    const { missingFiles } = await untilStep(
      run,
      /^Waiting for the report, which was not ready at poll 1\.$/,
    );
    assert.deepEqual(missingFiles, []);
    assert.equal(await run.executeUpdate<string, []>('retryNow'), 'Trying now.');
    assert.equal((await run.result()).outcome, 'loaded');
    assert.equal(callsOf(stack, 'get_report').length, 2);
    assert.match((await stateOf(run)).currentStep, /^2024-02-25 is loaded/);
  });

  test('retryNow asks for missing files at once', async (t) => {
    const stack = await stackFor(t, { api: { pollsUntilReady: 0 } });
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }], { price_log_inc: null });
    const run = await stack.startDay(DATE, HOURS);
    const { missingFiles } = await untilStep(run, /^Waiting for price_log_inc of 2024-02-25/);
    assert.deepEqual(missingFiles, ['price_log_inc']);
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
    await run.executeUpdate('retryNow');
    assert.equal(Object.keys((await run.result()).files).length, 4);
  });

  test('proceedWithout: the day loads without the named file, which stands in the audit', async (t) => {
    const stack = await stackFor(t, { api: { pollsUntilReady: 0 } });
    const missing = { price_log_inc: null, customer_research_inc: null };
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }], missing);
    const run = await stack.startDay(DATE, HOURS);
    await untilStep(run, /^Waiting for customer_research_inc, price_log_inc of/);
    const accept = (file: string) =>
      run.executeUpdate<string, [string[]]>('proceedWithout', { args: [[file]] });
    assert.match(await accept('price_log_inc'), /Continuing without price_log_inc/);
    const { missingFiles } = await untilStep(run, /^Waiting for customer_research_inc of/);
    assert.deepEqual(missingFiles, ['customer_research_inc'], 'it still waits for the other one');
    await accept('customer_research_inc');
    const { outcome, files } = await run.result();
    assert.equal(outcome, 'loaded');
    assert.deepEqual(Object.keys(files).sort(), ['user_activity_log_inc', 'user_order_log_inc']);
    assert.deepEqual(await outcomeOf(stack), {
      outcome: 'loaded',
      error: null,
      error_type: null,
      accepted_missing: ['customer_research_inc', 'price_log_inc'],
    });
  });

  test('proceedWithout of a file whose download goes on failing: the day loads without it', async (t) => {
    const stack = await stackFor(t, { api: { pollsUntilReady: 0 } });
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
    stack.api.addFault({ on: 'storage', times: -1, file: 'price_log_inc', do: 'status', status: 500 });
    const run = await stack.startDay(DATE, HOURS);
    await untilStep(run, /^Waiting for price_log_inc of .* the storage answered 500/);
    await run.executeUpdate('proceedWithout', { args: [['price_log_inc']] });
    assert.equal((await run.result()).outcome, 'loaded');
    assert.deepEqual((await outcomeOf(stack))?.accepted_missing, ['price_log_inc']);
  });

  test('a file that was accepted as missing but came is loaded, and not in the audit', async (t) => {
    const stack = await stackFor(t, { api: { pollsUntilReady: 1 } });
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
    const run = await stack.startDay(DATE, HOURS);
    await untilStep(run, /^Waiting for the report/);
    await run.executeUpdate('proceedWithout', { args: [['price_log_inc']] });
    assert.equal(Object.keys((await run.result()).files).length, 4);
    assert.deepEqual((await outcomeOf(stack))?.accepted_missing, []);
  });

  test('proceedWithout refuses what is no file of an increment, and leaves no trace in the history', async (t) => {
    const stack = await stackFor(t, { api: { pollsUntilReady: 0 } });
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }], { price_log_inc: null });
    const run = await stack.startDay(DATE, HOURS);
    await untilStep(run, /^Waiting for price_log_inc/);
    const wrong = [['../x'], ['price_log'], [], 'price_log_inc', [5], ['price_log_inc', 'x'], null, {}];
    for (const input of wrong) {
      const refusal: unknown = await run
        .executeUpdate<string, [unknown]>('proceedWithout', { args: [input] })
        .catch((error: unknown) => error);
      assert.ok(refusal instanceof WorkflowUpdateFailedError, JSON.stringify(input));
      assert.match(refusal.cause?.message ?? '', /Expected a list of files among user_order_log_inc/);
    }
    const { events } = await run.fetchHistory();
    assert.ok(!(events ?? []).some((event) => event.workflowExecutionUpdateAcceptedEventAttributes));
    assert.deepEqual((await stateOf(run)).missingFiles, ['price_log_inc'], 'it waits as before');
    await run.terminate();
  });
});

describe('the current details, which the UI shows as Markdown', { concurrency: 2 }, () => {
  const detailsOf = async (run: Run) => {
    const { currentDetails } = await run.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    return currentDetails.trim();
  };

  test('of a loaded day: what a person should know, then the files with their rows', async (t) => {
    const stack = await stackFor(t, { api: { pollsUntilReady: 0 } });
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }, { uniq_id: 'a' }], { price_log_inc: null });
    const run = await stack.startDay(DATE, { optionalFiles: ['price_log_inc'], filesTimeoutMs: 1 });
    await run.result();
    assert.equal(
      (await detailsOf(run)).replace(/- (user_activity|customer_research)[^\n]*\n?/g, '').trim(),
      [
        '2024-02-25 is loaded.',
        '',
        '- price_log_inc was missing; the day was loaded without it',
        '',
        'Files:',
        '',
        '- user_order_log_inc: 2 rows read, 1 kept, 1 duplicate, 0 rejected',
      ].join('\n'),
    );
  });

  test('of a failed day: the reason and what to do next; words of the API make no link', async (t) => {
    const stack = await stackFor(t, { api: { pollsUntilReady: 0 } });
    stack.api.addFault({ on: 'get_report', do: 'report-status', status: '[BAD](x)' });
    const run = await stack.startDay(DATE);
    await failureOf(run.result());
    assert.match(
      await detailsOf(run),
      /^2024-02-25 failed: .*"\\\[BAD\\\]\(x\)"[^]*\n\n- Next: The API could not make the report\. Run the day again;/,
    );
  });
});

describe('a run is cancelled', { concurrency: 4 }, () => {
  const moments: { when: string; says: RegExp; prepare: (stack: TestStack) => void }[] = [
    {
      when: 'while it waits for the report',
      says: /^Waiting for the report/,
      prepare: (stack) => stack.api.setReady({ pollsUntilReady: Infinity }),
    },
    {
      when: 'while it asks for the report',
      says: /^Asking the report API for a report/,
      prepare: (stack) => stack.api.addFault({ on: 'generate_report', do: 'hang' }),
    },
    {
      when: 'while it waits for files',
      says: /^Waiting for price_log_inc/,
      prepare: (stack) =>
        stack.api.addFault({
          on: 'get_increment',
          do: 'missing-files',
          files: ['price_log_inc'],
        }),
    },
    {
      when: 'while it downloads',
      says: /^Downloading 4 files/,
      prepare: (stack) => stack.api.addFault({ on: 'storage', file: 'price_log_inc', do: 'hang' }),
    },
  ];
  for (const { when, says, prepare } of moments) {
    test(`${when}: recorded as such, nothing changes, and the next run loads`, async (t) => {
      const stack = await stackFor(t, { api: { pollsUntilReady: 0 } });
      stack.deliveries.set(DATE, [{ uniq_id: 'a', payment_amount: 1 }]);
      await stack.runDay(DATE);
      const before = await dump(stack.db.pool, [
        'user_order_log',
        'price_log',
        'file_load',
        'f_sales',
        'd_item',
      ]);
      stack.deliveries.set(DATE, [{ uniq_id: 'b', payment_amount: 2, item_id: 2 }], {
        price_log_inc: 'Чай,3\n',
      });
      prepare(stack);
      const run = await stack.startDay(DATE, HOURS);
      await untilStep(run, says);
      await run.cancel();
      const { type, message } = await failureOf(run.result());
      assert.deepEqual([type, message], ['Cancelled', 'The run was cancelled.']);
      const { status } = await run.describe();
      assert.equal(status.name, 'CANCELLED');
      const { outcome, error, error_type } = (await outcomeOf(stack)) ?? {};
      assert.deepEqual([outcome, error, error_type], ['failed', 'The run was cancelled.', 'Cancelled']);
      const after = await dump(stack.db.pool, [
        'user_order_log',
        'price_log',
        'file_load',
        'f_sales',
        'd_item',
      ]);
      assert.equal(after, before);

      stack.api.clearFaults();
      stack.api.setReady({ pollsUntilReady: 0 });
      assert.equal((await stack.runDay(DATE)).outcome, 'loaded');
      const [sales] = await stack.rows('select uniq_id, payment_amount from mart.f_sales');
      assert.deepEqual(sales, { uniq_id: 'b', payment_amount: '2.00' });
    });
  }

  test('while it stages: the file that is being staged stays as it was', async (t) => {
    const stack = await stackFor(t, { api: { pollsUntilReady: 0 } });
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
    await stack.runDay(DATE);
    const before = await dump(stack.db.pool, ['price_log', 'f_sales', 'd_customer']);
    stack.deliveries.set(DATE, [{ uniq_id: 'b', customer_id: 7 }], { price_log_inc: 'Чай,3\nКофе,4\n' });
    const blocker = await stack.db.pool.connect();
    await blocker.query('begin; lock table staging.price_log in share mode');
    const run = await stack.startDay(DATE, HOURS);
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
    await blocker.query('commit');
    blocker.release();
    assert.equal(await dump(stack.db.pool, ['price_log', 'f_sales', 'd_customer']), before);
    assert.equal((await stack.runDay(DATE)).outcome, 'loaded');
    const prices = await stack.rows('select name from staging.price_log order by name');
    assert.deepEqual(prices, [{ name: 'Кофе' }, { name: 'Чай' }]);
  });
});

test('without a cache of workflows, every step replays from the beginning: the same run', async (t) => {
  const stack = await stackFor(t, {
    api: { pollsUntilReady: 2 },
    overrides: { maxCachedWorkflows: 0 },
  });
  stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
  stack.api.addFault({ on: 'get_increment', do: 'missing-files', files: ['price_log_inc'] });
  stack.api.addFault({ on: 'storage', file: 'price_log_inc', do: 'status', status: 404 });
  const run = await stack.startDay(DATE);
  assert.equal((await run.result()).outcome, 'loaded');
  const events = (await run.fetchHistory()).events ?? [];
  assert.ok(events.filter((event) => event.workflowTaskCompletedEventAttributes).length > 10);
  assert.deepEqual(
    events.filter((event) => event.workflowTaskFailedEventAttributes),
    [],
    'no workflow task failed, as it would if a replay differed',
  );
});
