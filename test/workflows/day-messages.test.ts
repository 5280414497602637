import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { fileNames, ORDERS } from '../../domain/feeds.ts';
import { failure } from '../../domain/failures.ts';
import { failureOf, stackFor, until } from '../client/harness.ts';
import { dump } from '../support/dump.ts';
import { fakeDays, hang, inTurn, untilStep, type FakeDay } from '../support/fake-day.ts';
import {
  ALL_FEEDS,
  DATE,
  final,
  incrementWithout,
  landsAllBut,
  REPORT,
  type Answers,
} from '../support/usual-answers.ts';

/** So long that only a message can end a wait. */
const HOURS = { reportPollIntervalMs: 3_600_000, reportTimeoutMs: 7_200_000, filesTimeoutMs: 7_200_000 };
const NO_PRICES = incrementWithout('price_log');

const given = fakeDays();
type Run = Awaited<ReturnType<FakeDay['start']>>;

const accept = (run: Run, file: string) =>
  run.executeUpdate<string, [string[]]>('proceedWithout', { args: [[file]] });

/** The files that a day was loaded without, as the step that records it was told. */
function acceptedMissing(day: FakeDay): string[] | null | undefined {
  return day.argsOf('updateFSales')[0]?.[1].acceptedMissing;
}

describe('what a person asks of a waiting run', { concurrency: true }, () => {
  test('retryNow ends the wait for the report', async () => {
    const day = given({ getReport: inTurn(undefined, REPORT) });
    const run = await day.start(HOURS);
    const { missingFiles } = await untilStep(
      run,
      /^Waiting for the report, which was not ready at poll 1\.$/,
    );
    assert.deepEqual(missingFiles, []);
    assert.equal(await run.executeUpdate<string, []>('retryNow'), 'Trying now.');
    assert.equal((await run.result()).outcome, 'loaded');
    assert.equal(day.count('getReport'), 2);
    await untilStep(run, /^2024-02-25 is loaded/);
  });

  test('retryNow asks for missing files at once', async () => {
    const day = given({ getIncrement: inTurn(NO_PRICES, incrementWithout()) });
    const run = await day.start(HOURS);
    const { missingFiles } = await untilStep(run, /^Waiting for price_log_inc of 2024-02-25/);
    assert.deepEqual(missingFiles, ['price_log_inc']);
    await run.executeUpdate('retryNow');
    assert.ok('price_log_inc' in (await run.result()).files);
  });

  test('proceedWithout: the day loads without the named file, which stands in the audit', async () => {
    const day = given({ getIncrement: () => incrementWithout('price_log', 'customer_research') });
    const run = await day.start(HOURS);
    await untilStep(run, /^Waiting for customer_research_inc, price_log_inc of/);
    assert.match(await accept(run, 'price_log_inc'), /goes on without price_log_inc/);
    const { missingFiles } = await untilStep(run, /^Waiting for customer_research_inc of/);
    assert.deepEqual(missingFiles, ['customer_research_inc'], 'it still waits for the other one');
    await accept(run, 'customer_research_inc');
    const { outcome, files } = await run.result();
    assert.equal(outcome, 'loaded');
    const accepted = ['customer_research_inc', 'price_log_inc'];
    const loaded = fileNames('increment').filter((file) => !accepted.includes(file));
    assert.deepEqual(Object.keys(files).sort(), loaded.sort());
    assert.deepEqual(acceptedMissing(day), accepted);
  });

  test('proceedWithout of a file whose download goes on failing: the day loads without it', async () => {
    const reason = failure('DownloadInterrupted', 'the storage answered 500');
    const day = given({ landFile: landsAllBut('price_log', final(reason)) });
    const run = await day.start(HOURS);
    await untilStep(run, /^Waiting for price_log_inc of .* the storage answered 500/);
    await accept(run, 'price_log_inc');
    assert.equal((await run.result()).outcome, 'loaded');
    assert.deepEqual(acceptedMissing(day), ['price_log_inc']);
  });

  test('a file that was accepted as missing but came is loaded, and not in the audit', async () => {
    const day = given({ getReport: inTurn(undefined, REPORT) });
    const run = await day.start(HOURS);
    await untilStep(run, /^Waiting for the report/);
    await accept(run, 'price_log_inc');
    assert.ok('price_log_inc' in (await run.result()).files);
    assert.deepEqual(acceptedMissing(day), []);
  });

  test('proceedWithout refuses what is no file of an increment, and leaves no trace in the history', async () => {
    const run = await given({ getIncrement: () => NO_PRICES }).start(HOURS);
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
    const { missingFiles } = await untilStep(run, /^Waiting/);
    assert.deepEqual(missingFiles, ['price_log_inc'], 'it waits as before');
    await run.terminate();
  });
});

describe('the current details, which the UI shows as Markdown', { concurrency: true }, () => {
  const detailsOf = async (run: Run) => {
    const { currentDetails } = await run.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    return currentDetails.trim();
  };

  test('of a loaded day: what a person should know, then the files with their rows', async () => {
    const others = ALL_FEEDS.filter((feed) => feed !== ORDERS);
    const getIncrement = () => incrementWithout(...others);
    const optionalFiles = others.map((feed) => `${feed}_inc`);
    const run = await given({ getIncrement }).start({ optionalFiles });
    await run.result();
    assert.equal(
      await detailsOf(run),
      [
        '2024-02-25 is loaded.',
        '',
        ...optionalFiles.map((file) => `- ${file} was missing; the day was loaded without it`),
        '',
        'Files:',
        '',
        '- user_order_log_inc: 2 rows read, 1 kept, 1 duplicate, 0 rejected',
      ].join('\n'),
    );
  });

  test('of a failed day: the reason and what to do next; words of the API make no link', async () => {
    const getReport = inTurn(failure('ReportFailed', 'its status is "[BAD](x)"'));
    const run = await given({ getReport }).start();
    await failureOf(run.result());
    assert.match(
      await detailsOf(run),
      /^2024-02-25 failed: .*"\\\[BAD\\\]\(x\)"[^]*\n\n- Next: The API could not make the report\. Run the day again;/,
    );
  });
});

describe('a run is cancelled', { concurrency: true }, () => {
  const moments: { when: string; says: RegExp; answers: Partial<Answers> }[] = [
    {
      when: 'while it waits for the report',
      says: /^Waiting for the report/,
      answers: { getReport: () => undefined },
    },
    {
      when: 'while it asks for the report',
      says: /^Asking the report API for a report/,
      answers: { generateReport: hang },
    },
    {
      when: 'while it waits for files',
      says: /^Waiting for price_log_inc/,
      answers: { getIncrement: () => NO_PRICES },
    },
    { when: 'while it downloads', says: /^Downloading \d+ files/, answers: { landFile: hang } },
  ];
  for (const { when, says, answers } of moments) {
    test(`${when}: recorded as such, nothing is staged`, async () => {
      const day = given(answers);
      const run = await day.start(HOURS);
      await untilStep(run, says);
      await run.cancel();
      const { type, message } = await failureOf(run.result());
      assert.deepEqual([type, message], ['Cancelled', 'The run was cancelled.']);
      assert.equal((await run.describe()).status.name, 'CANCELLED');
      const recorded = day.argsOf('recordFailure').map(([, { error, errorType }]) => [error, errorType]);
      assert.deepEqual(recorded, [['The run was cancelled.', 'Cancelled']]);
      assert.equal(day.count('stageFile') + day.count('updateFSales'), 0);
    });
  }
});

test('cancelled while it stages: the file that is being staged stays as it was, and the next run loads', async (t) => {
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
  const [day] = await stack.rows('select outcome, error, error_type from staging.day_load');
  assert.deepEqual(day, { outcome: 'failed', error: 'The run was cancelled.', error_type: 'Cancelled' });
  await blocker.query('commit');
  blocker.release();
  assert.equal(await dump(stack.db.pool, ['price_log', 'f_sales', 'd_customer']), before);
  assert.equal((await stack.runDay(DATE)).outcome, 'loaded');
  const prices = await stack.rows('select name from staging.price_log order by name');
  assert.deepEqual(prices, [{ name: 'Кофе' }, { name: 'Чай' }]);
});

describe('without a cache of workflows', () => {
  const givenUncached = fakeDays({ maxCachedWorkflows: 0 });

  test('every step replays from the beginning: the same run', async () => {
    const day = givenUncached({
      getReport: inTurn(undefined, undefined, REPORT),
      getIncrement: inTurn(NO_PRICES, incrementWithout()),
    });
    const run = await day.start();
    assert.equal((await run.result()).outcome, 'loaded');
    const events = (await run.fetchHistory()).events ?? [];
    assert.ok(events.filter((event) => event.workflowTaskCompletedEventAttributes).length > 10);
    assert.deepEqual(
      events.filter((event) => event.workflowTaskFailedEventAttributes),
      [],
      'no workflow task failed, as it would if a replay differed',
    );
  });
});
