import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Claim } from '../../activities/claim-day.ts';
import { dayStatuses } from '../../client/day-status.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { callsOf, failureOf, until } from '../client/harness.ts';
import { reset, resetPoints } from '../support/reset.ts';
import { TestStack } from '../support/stack.ts';

const stack = await TestStack.start();
after(() => stack.close());

type Run = Awaited<ReturnType<typeof stack.startDay>>;

/** Starts the first run and waits until the date is its own, and it has no report for long. */
async function startHolder(date: string, options: Parameters<typeof stack.startDay>[1] = {}): Promise<Run> {
  stack.api.setReady({ pollsUntilReady: Infinity });
  const handle = await stack.startDay(date, options, `${date}-one`);
  await untilItPolls();
  return handle;
}

async function untilItPolls(): Promise<void> {
  const polls = callsOf(stack, 'get_report').length;
  await until('it waits for its report', () => callsOf(stack, 'get_report').length > polls);
}

/** Waits until a run has found the date taken, and waits. */
async function untilItWaits(run: Run, date: string): Promise<void> {
  await until('a run waits for the other', async () => {
    const { currentStep } = await run.query<{ currentStep: string }>('state');
    return new RegExp(`^Waiting for workflow .* which is loading ${date} already`).test(currentStep);
  });
}

test('of two runs of one date the other takes the result of the one that it has waited for, not of an earlier one', async () => {
  const date = '2024-02-25';
  stack.deliveries.set(date, [{ uniq_id: 'a' }]);
  await stack.runDay(date, {}, `${date}-one`);
  stack.deliveries.set(date, [{ uniq_id: 'a' }, { uniq_id: 'b' }]);
  stack.api.requests.length = 0;
  const holder = await startHolder(date);
  const waiting = await stack.startDay(date, {}, `${date}-other`);
  await untilItWaits(waiting, date);
  await until('it has looked again', async () => {
    const { events } = await waiting.fetchHistory();
    return (events ?? []).some((event) => event.timerFiredEventAttributes);
  });
  await untilItWaits(waiting, date);
  stack.api.setReady({ pollsUntilReady: 0 });
  const [first, second] = await Promise.all([holder.result(), waiting.result()]);
  assert.equal(first.files.user_order_log_inc?.rows_kept, 2);
  assert.ok(second.joined, 'the second has joined');
  assert.deepEqual(second.files, first.files);
  assert.equal(callsOf(stack, 'generate_report').length, 1);
  assert.equal(callsOf(stack, 'storage').length, FEEDS.length, "one day's downloads");
});

for (const [date, end] of [
  ['2024-02-26', 'terminated'],
  ['2024-02-27', 'failed'],
] as const)
  test(`of two runs of one date the first is ${end}: the second does the work`, async () => {
    stack.deliveries.set(date, '<html></html>');
    const reports = callsOf(stack, 'generate_report').length;
    const holder = await startHolder(date);
    const waiting = await stack.startDay(date, {}, `${date}-other`);
    await untilItWaits(waiting, date);
    if (end === 'terminated') await holder.terminate();
    else {
      stack.api.setReady({ pollsUntilReady: 0 });
      assert.equal((await failureOf(holder.result())).type, 'FileRefused');
    }
    stack.deliveries.set(date, [{ uniq_id: 'a' }]);
    stack.api.setReady({ pollsUntilReady: 0 });
    const { outcome, joined } = await waiting.result();
    assert.deepEqual([outcome, joined], ['loaded', undefined]);
    assert.equal(callsOf(stack, 'generate_report').length, reports + 2);
  });

test('a run of the whole date waits for one of some files, and then loads (contract, ruling 15)', async () => {
  const date = '2024-03-14';
  stack.deliveries.set(date, [{ uniq_id: date }]);
  const some = await startHolder(date, { files: ['price_log_inc'] });
  const whole = await stack.startDay(date);
  await untilItWaits(whole, date);
  stack.api.setReady({ pollsUntilReady: 0 });
  assert.equal((await some.result()).outcome, 'partial');
  const { outcome, joined, files } = await whole.result();
  assert.deepEqual([outcome, joined, Object.keys(files).length], ['loaded', undefined, FEEDS.length]);
});

test('a run that has only waited records nothing when it is cancelled (contract, ruling 16)', async () => {
  const date = '2024-04-04';
  stack.deliveries.set(date, [{ uniq_id: date }]);
  const holder = await startHolder(date);
  const waiting = await stack.startDay(date);
  await untilItWaits(waiting, date);
  await waiting.cancel();
  await assert.rejects(waiting.result());
  assert.equal((await stack.status(date)).state, 'missing');
  stack.api.setReady({ pollsUntilReady: 0 });
  assert.equal((await holder.result()).outcome, 'loaded');
  assert.equal((await stack.status(date)).state, 'loaded');
});

test('a run that was reset behind its claim is running, until it has recorded its outcome', async () => {
  const date = '2024-02-24';
  const stateOf = async () => (await stack.status(date, stack.client)).state;
  stack.deliveries.set(date, [{ uniq_id: 'a' }]);
  const run = await stack.startDay(date);
  await run.result();
  assert.equal(await stateOf(), 'loaded');
  stack.api.setReady({ pollsUntilReady: Infinity });
  const points = await resetPoints(stack, run.workflowId, run.firstExecutionRunId);
  // Of the answer to generateReport: the claim and the task are known, the report is not.
  assert.ok(points[3]);
  await reset(stack, run.workflowId, run.firstExecutionRunId, points[3]);
  await untilItPolls();
  await until('it is shown as running', async () => (await stateOf()) === 'running');
  stack.api.setReady({ pollsUntilReady: 0 });
  await stack.client.workflow.getHandle(run.workflowId).result();
  assert.equal(await stateOf(), 'loaded');
});

function clientWith(workflow: object): Client {
  return Object.create(stack.client, { workflow: { value: workflow } }) as Client;
}

test('where Temporal refuses to say which runs are open, the days are listed without it', async () => {
  const faults: unknown[] = [];
  const list = () => {
    throw new Error('Request unauthorized.');
  };
  const refusing = clientWith({ list });
  const [day] = await dayStatuses(stack.db.database, refusing, '2024-02-24', '2024-02-24', (error) => {
    faults.push(error);
  });
  assert.equal(day?.state, 'loaded');
  assert.match(String(faults), /unauthorized/);
});

test('of twenty years of claims that terminated runs have left, a few are asked about at once', async () => {
  await stack.rows(`insert into staging.day_claim (claim, workflow_id, run_id, claimed_at)
    select date::date, 'gone-' || date, 'gone', now()
    from generate_series('2000-01-01'::timestamp, '2000-04-30', '1 day') as date`);
  let [asking, most, asked] = [0, 0, 0];
  const describe = async () => {
    most = Math.max(most, (asking += 1));
    asked += 1;
    await setImmediate();
    asking -= 1;
    throw new WorkflowNotFoundError('gone', 'gone', undefined);
  };
  const counting = clientWith({ list: () => [], getHandle: () => ({ describe }) });
  const days = await dayStatuses(stack.db.database, counting, '2000-01-01', '2000-04-30');
  assert.deepEqual([days.length, asked, most], [121, 121, 20]);
});

test('whoever waits for a date is told since when nobody works on the run that holds it (ruling 59)', async () => {
  const holder = await stack.client.workflow.start('salesIncrement', {
    workflowId: `${stack.taskQueue}-nobody`,
    taskQueue: `${stack.taskQueue}-nobody`,
    args: [{ loadDate: '2024-03-01' }],
  });
  await stack.rows(
    `insert into staging.day_claim (claim, workflow_id, run_id, claimed_at) values ('2024-03-01', $1, $2, now())`,
    [holder.workflowId, holder.firstExecutionRunId],
  );
  stack.deliveries.set('2024-03-01', [{ uniq_id: 'b' }]);
  const waiting = await stack.startDay('2024-03-01');
  let claim: Claim | undefined;
  await until('it has asked for the claim', async () => {
    const { events } = await waiting.fetchHistory();
    claim = (events ?? [])
      .flatMap((event) => event.activityTaskCompletedEventAttributes?.result?.payloads ?? [])
      .map(({ data }) => JSON.parse(Buffer.from(data ?? []).toString()) as Claim)
      .find(({ state }) => state === 'held');
    return claim !== undefined;
  });
  assert.ok(claim?.state === 'held', JSON.stringify(claim));
  assert.equal(claim.idle?.taskQueue, `${stack.taskQueue}-nobody`);
  const { startTime } = await holder.describe();
  assert.ok(Math.abs(Date.parse(claim.idle.since) - startTime.getTime()) < 1_000, claim.idle.since);
  await holder.terminate();
  assert.equal((await waiting.result()).outcome, 'loaded');
});
