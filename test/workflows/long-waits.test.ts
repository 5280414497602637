import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../domain/failures.ts';
import { failureOf, until } from '../client/harness.ts';
import { fakeDays, inTurn, type FakeDay } from '../support/fake-day.ts';
import { landsAllBut, REPORT } from '../support/usual-answers.ts';

const MAX_EVENTS = 10_000;
const WEEK_MS = 604_800_000;

const given = fakeDays();
type Run = Awaited<ReturnType<FakeDay['start']>>;

async function untilContinuedAsNew(run: Run): Promise<void> {
  await until('it has continued as new', async () => {
    return (await run.describe()).runId !== run.firstExecutionRunId;
  });
}

/** The lengths of the histories of all runs of a workflow. */
async function historyLengths({ client }: FakeDay, run: Run): Promise<number[]> {
  const lengths: number[] = [];
  for await (const { historyLength } of client.workflow.list({ query: `WorkflowId = '${run.workflowId}'` }))
    lengths.push(historyLength);
  return lengths;
}

describe(
  'a wait ends by time, never by the size of a history (contract, ruling 17)',
  { concurrency: true },
  () => {
    test('for a report', async () => {
      const day = given({ getReport: () => undefined });
      const run = await day.start({ reportPollIntervalMs: 1, reportTimeoutMs: WEEK_MS });
      await untilContinuedAsNew(run);
      day.answers.getReport = () => REPORT;
      assert.equal((await run.result()).outcome, 'loaded');
      assert.equal(day.count('generateReport'), 1, 'one run asks for one report');
      await until('the runs are listed', async () => (await historyLengths(day, run)).length >= 2);
      for (const length of await historyLengths(day, run)) assert.ok(length < MAX_EVENTS, `${length} events`);
    });

    test('for a file that storage does not have', async () => {
      const reason = failure('FileNotAvailable', 'the storage answered 404');
      const day = given({ landFile: landsAllBut('price_log', reason) });
      const run = await day.start({ reportPollIntervalMs: 1, filesTimeoutMs: WEEK_MS });
      await untilContinuedAsNew(run);
      await run.executeUpdate('proceedWithout', { args: [['price_log_inc']] });
      assert.equal((await run.result()).outcome, 'loaded');
      assert.equal(day.count('generateReport'), 1);
      assert.deepEqual(day.argsOf('updateFSales')[0]?.[1].acceptedMissing, ['price_log_inc']);
    });

    test('REPORT_TIMEOUT is the limit also where the API answers 503, whatever FILES_TIMEOUT is', async () => {
      const day = given({
        getReport: inTurn(failure('ReportApiUnavailable', 'The report API answered 503')),
      });
      const { message } = await failureOf(
        (await day.start({ reportTimeoutMs: 1_000, filesTimeoutMs: WEEK_MS })).result(),
      );
      assert.match(message, /503|REPORT_TIMEOUT/);
      assert.equal(day.count('getIncrement'), 0);
      assert.equal(day.count('recordFailure'), 1);
    });
  },
);
