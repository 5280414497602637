import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Claim } from '../../activities/claim-day.ts';
import type { Alert } from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import type { RunState } from '../../workflows/steps/progress.ts';
import { until } from '../client/harness.ts';
import { FakeSteps } from '../support/fake-steps.ts';

let fake: FakeSteps;
before(async () => {
  fake = await FakeSteps.start();
});
beforeEach(() => fake.reset());
after(() => fake.close());

const DATE = '2024-02-25';
const HOLDER = { workflowId: 'other', runId: 'its-run', isWhole: true };

function alerts(): Alert[] {
  return fake.calls.filter(({ name }) => name === 'sendAlert').map(({ args }) => args[0] as Alert);
}

test('a scheduled run that fails before it knows its date is told (contract, ruling 58)', async (t) => {
  fake.steps.planDay = () => Promise.reject(failure('InvalidInput', 'schedule.timeZone is "Moscow".'));
  const handle = await fake.client.schedule.create({
    scheduleId: `${fake.taskQueue}-daily`,
    spec: {},
    action: {
      type: 'startWorkflow',
      workflowType: 'salesIncrement',
      workflowId: `${fake.taskQueue}-daily-run`,
      taskQueue: fake.taskQueue,
      args: [{ schedule: { timeZone: 'Moscow', offsetDays: 1 } }],
    },
  });
  t.after(() => handle.delete());
  await handle.trigger();
  await until('it is told', () => alerts().length > 0);
  const [alert] = alerts();
  assert.equal(alert?.kind, 'failed');
  assert.equal(alert.errorType, 'InvalidInput');
  assert.equal(alert.loadDate, undefined);
  assert.ok(Math.abs(Date.parse(alert.due ?? '') - Date.now()) < 300_000, alert.due);
  assert.match(alert.error, /schedule\.timeZone is "Moscow"/);
});

test('a run that a person has started without a date tells nobody: he sees it', async () => {
  fake.steps.planDay = () => Promise.reject(failure('InvalidInput', 'loadDate is missing.'));
  const run = await fake.startRun('salesIncrement', {});
  await assert.rejects(run.result());
  assert.deepEqual(alerts(), []);
});

test('a wait for a run that nobody works on is told once, and ends when that is terminated (ruling 59)', async () => {
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  let claim: Claim = { state: 'held', holder: HOLDER, idle: { taskQueue: 'theirs', since: minutesAgo(9) } };
  fake.steps.claimDay = () => Promise.resolve(claim);
  const run = await fake.startRun('salesIncrement', { loadDate: DATE });
  await until('it has asked twice', () => fake.count('claimDay') >= 2);
  assert.deepEqual(alerts(), [], 'not before ten minutes');
  claim = { ...claim, idle: { taskQueue: 'theirs', since: minutesAgo(11) } };
  await until('it is told', () => alerts().length > 0);
  const { currentStep } = await run.query<RunState>('state');
  assert.match(
    currentStep,
    /workflow other.*no worker has polled its task queue "theirs" for 11 minutes.*terminate/s,
  );
  assert.deepEqual(
    alerts().map(({ kind, loadDate, error }) => ({ kind, loadDate, error })),
    [{ kind: 'blocked', loadDate: DATE, error: currentStep }],
  );
  const asked = fake.count('claimDay');
  await run.executeUpdate('retryNow');
  await until('it has asked again', () => fake.count('claimDay') > asked);
  claim = { state: 'claimed', number: 1 };
  await run.executeUpdate('retryNow');
  assert.equal(((await run.result()) as { outcome: string }).outcome, 'loaded');
  assert.equal(alerts().length, 1, 'told once');
});

test('whom a run waits for is carried on when it continues as new: the date is not loaded twice', async () => {
  const checkpoint = { startedAt: new Date().toISOString(), accepted: [], lateAlertSent: false };
  const run = await fake.startRun('salesIncrement', {
    loadDate: DATE,
    checkpoint: { ...checkpoint, waitedFor: HOLDER },
  });
  await run.result();
  const [claimed] = fake.calls.filter(({ name }) => name === 'claimDay');
  assert.deepEqual(claimed?.args[1], HOLDER);
});
