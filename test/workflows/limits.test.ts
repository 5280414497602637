import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../../activities/index.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { failure } from '../../domain/failures.ts';
import { failureOf, until } from '../client/harness.ts';
import { FakeSteps } from '../support/fake-steps.ts';
import { resetPoints, resetRun, type EventId } from '../support/reset.ts';
import { landed } from '../support/usual-answers.ts';

const DATE = '2024-02-25';
const NOT_READY = () => Promise.resolve(undefined);
const PRESENT = FEEDS.map(({ name }) => name).filter((name) => name !== 'price_log');
const LACKING: Activities['getIncrement'] = () =>
  Promise.resolve({ found: true, number: 2, present: PRESENT, missing: ['price_log'] });
/** Longer than an answer is taken for a fresh one. */
const WHILE_MS = 2_500;

let fake: FakeSteps;
before(async () => {
  fake = await FakeSteps.start();
});
beforeEach(() => fake.reset());
after(() => fake.close());

function day(options: object) {
  return { loadDate: DATE, options };
}

/** The points up to the first step of that name, with the one that asks for it. */
async function pointsBefore(handle: WorkflowHandle, runId: string, step: string): Promise<EventId[]> {
  const { events = [] } = await fake.client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
  const first = events?.find(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === step,
  );
  const points = await resetPoints(fake, handle.workflowId, runId);
  return points.filter((point) => Number(point) < Number(first?.eventId));
}

describe('a run that is reset into its wait, after the limit has passed, asks once more (contract, ruling 45)', () => {
  const cases: { limit: string; options: object; asks: keyof Activities; waiting: () => void }[] = [
    {
      limit: 'FILES_TIMEOUT',
      options: { filesTimeoutMs: 300 },
      asks: 'getIncrement',
      waiting: () => (fake.steps.getIncrement = LACKING),
    },
    {
      limit: 'REPORT_TIMEOUT',
      options: { reportTimeoutMs: 300 },
      asks: 'getReport',
      waiting: () => (fake.steps.getReport = NOT_READY),
    },
  ];
  for (const { limit, options, asks, waiting } of cases)
    test(`${limit}: from every point of a run that failed by it`, { timeout: 120_000 }, async () => {
      waiting();
      const run = await fake.startRun('salesIncrement', day(options));
      assert.match((await failureOf(run.result())).message, new RegExp(limit));
      const points = await pointsBefore(run, run.firstExecutionRunId, 'recordFailure');
      assert.ok(points.length > 5, `${points.length} points`);
      await sleep(WHILE_MS);
      fake.reset();
      for (const point of points) {
        const before = fake.count(asks);
        assert.equal(
          await resetRun(fake, run.workflowId, run.firstExecutionRunId, point),
          'loaded',
          `event ${String(point)}`,
        );
        assert.ok(fake.count(asks) > before, `${asks} is called after event ${String(point)}`);
      }
      assert.equal(fake.count('sendAlert'), 0);
    });

  test('it still fails, with one question, where the answer is not there', async () => {
    fake.steps.getReport = NOT_READY;
    const run = await fake.startRun('salesIncrement', day({ reportTimeoutMs: 300 }));
    await failureOf(run.result());
    const [, , , point] = await pointsBefore(run, run.firstExecutionRunId, 'recordFailure');
    assert.ok(point);
    await sleep(WHILE_MS);
    const before = fake.count('getReport');
    await assert.rejects(resetRun(fake, run.workflowId, run.firstExecutionRunId, point));
    assert.ok(fake.count('getReport') > before);
  });

  test('a backfill as well', { timeout: 60_000 }, async () => {
    const plan = await fake.steps.planBackfill(null, 1);
    const plans = () => {
      fake.steps.planBackfill = () =>
        Promise.resolve({
          ...plan,
          options: { ...plan.options, reportTimeoutMs: 300 },
          days: [DATE],
          daysLeft: 1,
        });
    };
    plans();
    fake.steps.getReport = NOT_READY;
    fake.steps.failBackfillDays = () => Promise.resolve(1);
    const input = { from: DATE, to: DATE, concurrency: 1 };
    const run = await fake.startRun('salesBackfill', input);
    assert.deepEqual(await run.result(), { from: DATE, to: DATE, loaded: 0, no_increment: 0, failed: 1 });
    const points = await pointsBefore(run, run.firstExecutionRunId, 'failBackfillDays');
    await sleep(WHILE_MS);
    fake.reset();
    plans();
    for (const point of points) {
      await resetRun(fake, run.workflowId, run.firstExecutionRunId, point);
      const { loaded } = (await fake.client.workflow.getHandle(run.workflowId).result()) as {
        loaded: number;
      };
      assert.equal(loaded, 1, `event ${String(point)}`);
    }
  });

  test('a file that could not be landed is asked for once more', async () => {
    fake.steps.landFile = (file) =>
      file.feed === 'price_log'
        ? Promise.reject(failure('FileNotAvailable', 'It is not there.'))
        : Promise.resolve(landed(file));
    const run = await fake.startRun('salesIncrement', day({ filesTimeoutMs: 300 }));
    assert.match(
      (await failureOf(run.result())).message,
      /lacks price_log_inc after 300ms \(FILES_TIMEOUT\)/,
    );
    const points = await pointsBefore(run, run.firstExecutionRunId, 'recordFailure');
    await sleep(WHILE_MS);
    fake.reset();
    for (const point of points.slice(-7, -1))
      assert.equal(
        await resetRun(fake, run.workflowId, run.firstExecutionRunId, point),
        'loaded',
        `event ${String(point)}`,
      );
  });

  test('LATE_AFTER: the day is not told as late for being reset', { timeout: 60_000 }, async () => {
    fake.steps.getReport = NOT_READY;
    const run = await fake.startRun('salesIncrement', day({ reportTimeoutMs: 500, lateAfterMs: 3_600_000 }));
    await failureOf(run.result());
    assert.equal(fake.count('sendAlert'), 1);
    // A reset long after: as if the run had begun the day before.
    const checkpoint = { startedAt: new Date(Date.now() - 86_400_000).toISOString() };
    fake.reset();
    const again = await fake.startRun('salesIncrement', {
      ...day({ lateAfterMs: 3_600_000 }),
      checkpoint: { ...checkpoint, accepted: [], lateAlertSent: false },
    });
    await again.result();
    assert.equal(fake.count('sendAlert'), 0);
  });
});

test('a bootstrap whose files cannot be had ends by FILES_TIMEOUT, and goes on where they come before', async () => {
  const land = fake.steps.landFile;
  fake.steps.landFile = () => Promise.reject(failure('FileNotAvailable', 'It is not there.'));
  const fails = await fake.startRun('salesHistory', { options: { filesTimeoutMs: 300 } });
  assert.equal((await failureOf(fails.result())).type, 'FilesNotLanded');
  const heals = await fake.startRun('salesHistory', { options: { filesTimeoutMs: 600_000 } });
  const tries = fake.count('landFile');
  await until('it has tried', () => fake.count('landFile') > tries + PRESENT.length + 1);
  fake.steps.landFile = land;
  assert.equal(((await heals.result()) as { outcome: string }).outcome, 'loaded');
});

describe('a run whose workers were away for longer than the limit asks once more', () => {
  const away = async (options: object, asks: 'getReport' | 'getIncrement', waiting: () => void) => {
    const other = await FakeSteps.start({ worker: false });
    const mine = fake;
    fake = other;
    try {
      waiting();
      let stop = await other.startWorker();
      const run = await other.startRun('salesIncrement', day(options));
      await until('it has asked', () => other.count(asks) > 0);
      await stop();
      await sleep(WHILE_MS);
      other.reset();
      stop = await other.startWorker();
      assert.equal(((await run.result()) as { outcome: string }).outcome, 'loaded');
      assert.ok(other.count(asks) > 0, `${asks} is called`);
    } finally {
      fake = mine;
      await other.close();
    }
  };
  test('in the wait for a report', async () =>
    away({ reportTimeoutMs: 1_000, reportPollIntervalMs: 60_000 }, 'getReport', () => {
      fake.steps.getReport = NOT_READY;
    }));
  test('in the wait for files', async () =>
    away({ filesTimeoutMs: 1_000, reportPollIntervalMs: 60_000 }, 'getIncrement', () => {
      fake.steps.getIncrement = LACKING;
    }));

  test('also where the question waited for a worker all the time', { timeout: 60_000 }, async () => {
    const other = await FakeSteps.start({ worker: false });
    try {
      await other.startWorker({ steps: false });
      const stop = await other.startWorker({ workflows: false });
      other.steps.generateReport = async () => {
        void stop();
        return await Promise.resolve('task');
      };
      const run = await other.startRun('salesIncrement', day({ reportTimeoutMs: 1_000 }));
      await until('the first question has been given up', async () => {
        const { events } = await run.fetchHistory();
        return (events ?? []).some((event) => event.activityTaskTimedOutEventAttributes);
      });
      await other.startWorker({ workflows: false });
      assert.equal(((await run.result()) as { outcome: string }).outcome, 'loaded');
    } finally {
      await other.close();
    }
  });
});
