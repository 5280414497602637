import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Claim } from '../../activities/claim-day.ts';
import type { Alert } from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import type { RunState } from '../../workflows/steps/progress.ts';
import { until } from '../client/harness.ts';
import { fakeDays, inTurn, type FakeDay } from '../support/fake-day.ts';
import { resetPoints, resetRun } from '../support/reset.ts';
import { DATE, REPORT } from '../support/usual-answers.ts';

const given = fakeDays();
const HOLDER = { workflowId: 'other', runId: 'its-run', isWhole: true };

function alertsOf(day: FakeDay): Alert[] {
  return day.argsOf('sendAlert').map(([alert]) => alert);
}

test('a scheduled run that fails before it knows its date is told (contract, ruling 58)', async (t) => {
  const day = given({ planDay: inTurn(failure('InvalidInput', 'schedule.timeZone is "Moscow".')) });
  const handle = await day.client.schedule.create({
    scheduleId: `${day.taskQueue}-daily`,
    spec: {},
    action: {
      type: 'startWorkflow',
      workflowType: 'salesIncrement',
      workflowId: `${day.id}daily`,
      taskQueue: day.taskQueue,
      args: [{ schedule: { timeZone: 'Moscow', offsetDays: 1 } }],
    },
  });
  t.after(() => handle.delete());
  await handle.trigger();
  await until('it is told', () => day.count('sendAlert') > 0);
  const [alert] = alertsOf(day);
  assert.equal(alert?.kind, 'failed');
  assert.equal(alert.errorType, 'InvalidInput');
  assert.equal(alert.loadDate, undefined);
  assert.ok(Math.abs(Date.parse(alert.due ?? '') - Date.now()) < 300_000, alert.due);
  assert.match(alert.error, /schedule\.timeZone is "Moscow"/);
});

test('a run that a person has started without a date tells nobody: he sees it', async () => {
  const day = given({ planDay: inTurn(failure('InvalidInput', 'loadDate is missing.')) });
  const run = await day.startRun('salesIncrement', {});
  await assert.rejects(run.result());
  assert.deepEqual(alertsOf(day), []);
});

test('a wait for a run that nobody works on is told once, and ends when that is terminated (ruling 59)', async () => {
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  let claim: Claim = { state: 'held', holder: HOLDER, idle: { taskQueue: 'theirs', since: minutesAgo(9) } };
  const day = given({ claimDay: () => claim });
  const run = await day.start();
  await until('it has asked twice', () => day.count('claimDay') >= 2);
  assert.deepEqual(alertsOf(day), [], 'not before ten minutes');
  claim = { ...claim, idle: { taskQueue: 'theirs', since: minutesAgo(11) } };
  await until('it is told', () => alertsOf(day).length > 0);
  const { currentStep } = await run.query<RunState>('state');
  assert.match(
    currentStep,
    /workflow other.*no worker has polled its task queue "theirs" for 11 minutes.*terminate/s,
  );
  assert.deepEqual(
    alertsOf(day).map(({ kind, loadDate, error }) => ({ kind, loadDate, error })),
    [{ kind: 'blocked', loadDate: DATE, error: currentStep }],
  );
  const asked = day.count('claimDay');
  await run.executeUpdate('retryNow');
  await until('it has asked again', () => day.count('claimDay') > asked);
  claim = { state: 'claimed', number: 1 };
  await run.executeUpdate('retryNow');
  assert.equal((await run.result()).outcome, 'loaded');
  assert.equal(alertsOf(day).length, 1, 'told once');
});

test('whom a run waits for, and what it has told, is carried on when it continues as new', async () => {
  const startedAt = new Date(Date.now() - 5_000).toISOString();
  const checkpoint = { startedAt, accepted: [], lateAlertSent: true, waitedFor: HOLDER };
  const day = given({ getReport: inTurn(undefined, REPORT) });
  await (await day.start({ lateAfterMs: 1, reportPollIntervalMs: 500 }, { checkpoint })).result();
  assert.deepEqual(day.argsOf('claimDay')[0]?.[1], HOLDER);
  assert.deepEqual(alertsOf(day), []);
});

describe('what is told of a day', { concurrency: true }, () => {
  const LATE = { lateAfterMs: 300, reportPollIntervalMs: 100 };

  /** Its report is ready once it has been told as late. */
  function lateDay(): FakeDay {
    const day = given();
    day.answers.getReport = () => (day.count('sendAlert') > 0 ? REPORT : undefined);
    return day;
  }

  const kindsOf = (day: FakeDay) => alertsOf(day).map(({ kind, loadDate }) => [kind, loadDate]);

  test('that it is late, once, while it goes on; then it can be reset to any point', async () => {
    const day = lateDay();
    const run = await day.start(LATE);
    assert.equal((await run.result()).outcome, 'loaded');
    assert.deepEqual(kindsOf(day), [['late', DATE]]);
    for (const point of await resetPoints(day, run.workflowId, run.firstExecutionRunId)) {
      const outcome = await resetRun(day, run.workflowId, run.firstExecutionRunId, point);
      assert.equal(outcome, 'loaded', `event ${String(point)}`);
    }
  });

  test('a webhook that does not work delays no day; the message arrives when it works again', async () => {
    const day = lateDay();
    day.answers.sendAlert = () => {
      throw failure('AlertNotSent', 'The alert webhook answered 500.');
    };
    assert.equal((await (await day.start(LATE)).result()).outcome, 'loaded');
    await until('it was tried again', () => day.count('sendAlert') >= 2);
    const told: string[] = [];
    day.answers.sendAlert = ({ kind }) => {
      told.push(kind);
      return 'sent';
    };
    await until('it is told', () => told.length > 0);
    assert.deepEqual(told, ['late']);
  });

  test('that it has far fewer rows than usual (contract, ruling 33)', async () => {
    const warning = 'user_order_log_inc kept 4 rows; the median of its last loaded days is 10';
    const day = given({ updateFSales: () => ({ missing: [], volumeWarnings: [warning] }) });
    const { outcome, warnings } = await (await day.start()).result();
    assert.deepEqual([outcome, warnings], ['loaded', [warning]]);
    await until('it is told', () => day.count('sendAlert') > 0);
    const [alert] = alertsOf(day);
    assert.deepEqual([alert?.kind, alert?.error], ['volume', `${warning}.`]);
  });
});
