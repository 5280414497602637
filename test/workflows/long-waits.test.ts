import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestStack } from '../support/stack.ts';
import { callsOf, failureOf, stackFor, until } from '../client/harness.ts';

const DATE = '2024-05-01';
const MAX_EVENTS = 10_000;

/** The lengths of the histories of all runs of a workflow, oldest first. */
async function historyLengths(stack: TestStack, workflowId: string): Promise<number[]> {
  const lengths: number[] = [];
  for await (const run of stack.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    lengths.unshift(run.historyLength);
  }
  return lengths;
}

describe(
  'a wait ends by time, never by the size of a history (contract, ruling 17)',
  { concurrency: 2 },
  () => {
    test('for a report', { timeout: 300_000 }, async (t) => {
      const stack = await stackFor(t, { api: { pollsUntilReady: Infinity } });
      stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
      const run = await stack.startDay(DATE, { reportPollIntervalMs: 1, reportTimeoutMs: 604_800_000 });
      await until(
        'it has continued as new',
        async () => (await run.describe()).runId !== run.firstExecutionRunId,
        240_000,
      );
      stack.api.setReady({ pollsUntilReady: 0 });
      assert.equal((await run.result()).outcome, 'loaded');
      assert.equal(callsOf(stack, 'generate_report').length, 1, 'one run asks for one report');
      await until(
        'the runs are listed',
        async () => (await historyLengths(stack, run.workflowId)).length >= 2,
      );
      for (const length of await historyLengths(stack, run.workflowId))
        assert.ok(length < MAX_EVENTS, `${length} events`);
    });

    test('for a file that storage does not have', { timeout: 300_000 }, async (t) => {
      const stack = await stackFor(t, { api: { pollsUntilReady: 0 } });
      stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
      stack.api.addFault({
        on: 'storage',
        file: 'price_log_inc',
        do: 'status',
        status: 404,
        times: -1,
      });
      const run = await stack.startDay(DATE, { reportPollIntervalMs: 1, filesTimeoutMs: 604_800_000 });
      await until(
        'it has continued as new',
        async () => (await run.describe()).runId !== run.firstExecutionRunId,
        240_000,
      );
      assert.equal(callsOf(stack, 'generate_report').length, 1);
      await run.executeUpdate('proceedWithout', { args: [['price_log_inc']] });
      const result = await run.result();
      assert.equal(result.outcome, 'loaded');
      const [day] = await stack.rows('select accepted_missing from staging.day_load');
      assert.deepEqual(day, { accepted_missing: ['price_log_inc'] });
    });

    test('REPORT_TIMEOUT is the limit also where the API answers 503, whatever FILES_TIMEOUT is', async (t) => {
      const stack = await stackFor(t);
      stack.api.addFault({ on: 'get_report', do: 'status', status: 503, times: -1 });
      const started = performance.now();
      const { message } = await failureOf(
        stack.runDay(DATE, { reportTimeoutMs: 3_000, filesTimeoutMs: 150_000 }),
      );
      assert.match(message, /503|REPORT_TIMEOUT/);
      assert.ok(performance.now() - started < 15_000, `${performance.now() - started} ms`);
      const [day] = await stack.rows('select outcome from staging.day_load');
      assert.deepEqual(day, { outcome: 'failed' });
    });
  },
);
