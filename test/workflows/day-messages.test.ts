import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { fileNames, ORDERS } from '../../domain/feeds.ts';
import { failure } from '../../domain/failures.ts';
import { failureOf } from '../client/harness.ts';
import { fakeDays, hang, inTurn, untilStep, type FakeDay } from '../support/fake-day.ts';
import {
  ALL_FEEDS,
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
  test('retryNow ends the wait for the report, and asks for missing files at once', async () => {
    const day = given({
      getReport: inTurn(undefined, REPORT),
      getIncrement: inTurn(NO_PRICES, incrementWithout()),
    });
    const run = await day.start(HOURS);
    const atReport = await untilStep(run, /^Waiting for the report, which was not ready at poll 1\.$/);
    assert.deepEqual(atReport.missingFiles, []);
    assert.equal(await run.executeUpdate<string, []>('retryNow'), 'Trying now.');
    const atFiles = await untilStep(run, /^Waiting for price_log_inc of 2024-02-25/);
    assert.deepEqual(atFiles.missingFiles, ['price_log_inc']);
    await run.executeUpdate('retryNow');
    assert.ok('price_log_inc' in (await run.result()).files);
    assert.deepEqual([day.count('getReport'), day.count('getIncrement')], [2, 2]);
    await untilStep(run, /^2024-02-25 is loaded/);
  });

  test('proceedWithout: the day loads without the named files, missing or failing, which stand in the audit', async () => {
    const reason = failure('DownloadInterrupted', 'the storage answered 500');
    const day = given({
      getIncrement: () => incrementWithout('customer_research'),
      landFile: landsAllBut('price_log', final(reason)),
    });
    const run = await day.start(HOURS);
    const { missingFiles } = await untilStep(run, /^Waiting for customer_research_inc of/);
    assert.deepEqual(missingFiles, ['customer_research_inc']);
    assert.match(await accept(run, 'customer_research_inc'), /goes on without customer_research_inc/);
    await untilStep(run, /^Waiting for price_log_inc of .* the storage answered 500/);
    await accept(run, 'price_log_inc');
    const { outcome, files } = await run.result();
    assert.equal(outcome, 'loaded');
    const accepted = ['customer_research_inc', 'price_log_inc'];
    const loaded = fileNames('increment').filter((file) => !accepted.includes(file));
    assert.deepEqual(Object.keys(files).sort(), loaded.sort());
    assert.deepEqual(acceptedMissing(day), accepted);
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
  const moments: [says: RegExp, answers: Partial<Answers>][] = [
    [/^Waiting for the report/, { getReport: () => undefined }],
    [/^Asking the report API for a report/, { generateReport: hang }],
    [/^Waiting for price_log_inc/, { getIncrement: () => NO_PRICES }],
    [/^Downloading \d+ files/, { landFile: hang }],
  ];
  for (const [says, answers] of moments) {
    test(`while it says ${String(says)}: recorded as such, nothing is staged`, async () => {
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

const givenUncached = fakeDays({ maxCachedWorkflows: 0 });

test('without a cache of workflows every step replays from the beginning: the same run', async () => {
  const day = givenUncached({
    getReport: inTurn(undefined, undefined, REPORT),
    getIncrement: inTurn(NO_PRICES, incrementWithout()),
  });
  const run = await day.start();
  assert.equal((await run.result()).outcome, 'loaded');
  const { events } = await run.fetchHistory();
  assert.ok((events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes).length > 10);
  // As one would if a replay differed.
  assert.ok(!(events ?? []).some((event) => event.workflowTaskFailedEventAttributes));
});
