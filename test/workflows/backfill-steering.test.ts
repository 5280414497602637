import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CancelledFailure } from '@temporalio/common';
import type { BackfillPlan } from '../../activities/backfill.ts';
import type { BackfillState } from '../../workflows/steps/backfill-control.ts';
import { until } from '../client/harness.ts';
import { FAST_OPTIONS as OPTIONS } from '../support/fast-options.ts';
import { incrementWithout } from '../support/usual-answers.ts';
import { fakeDays, inTurn, type FakeDay } from '../support/fake-day.ts';

const given = fakeDays({ maxCachedWorkflows: 0 });

const RANGE = { from: '2024-02-25', to: '2024-02-26', concurrency: 1 };
const PLAN = { options: OPTIONS, tagged: false, hasWebhook: false };

/** Lists one day a run, and only when it is let. */
class Planning {
  #begun = 0;
  #release: () => void = () => undefined;

  constructor(day: FakeDay) {
    day.answers.planBackfill = async (input): Promise<BackfillPlan> => {
      this.#begun += 1;
      await new Promise<void>((resolve) => (this.#release = resolve));
      const isContinued = (input as { checkpoint?: unknown }).checkpoint !== undefined;
      return isContinued
        ? { ...PLAN, days: ['2024-02-26'], daysLeft: 1 }
        : { ...PLAN, days: ['2024-02-25'], daysLeft: 2 };
    };
  }

  async begun(times: number): Promise<void> {
    await until(`it plans for the ${times}. time`, () => this.#begun >= times);
  }

  end(): void {
    this.#release();
  }
}

describe('a backfill can be steered at any moment (contract, ruling 48)', { timeout: 120_000 }, () => {
  test('while it lists its days, at its start and behind a continue-as-new', async () => {
    const day = given();
    const planning = new Planning(day);
    const run = await day.startRun('salesBackfill', RANGE);
    await planning.begun(1);
    assert.match(await run.executeUpdate<string, []>('pause'), /^Paused/);
    assert.match(await run.executeUpdate('setConcurrency', { args: [7] }), /up to 7 days/);
    const { days, paused, concurrency } = await run.query<BackfillState>('progress');
    assert.deepEqual({ days, paused, concurrency }, { days: null, paused: true, concurrency: 7 });
    planning.end();
    await until('the days are listed', async () => {
      const state = await run.query<BackfillState>('progress');
      return state.days === 2;
    });
    assert.equal(day.count('planDay'), 0, 'paused while it planned, it begins no day');
    await run.executeUpdate('resume');

    await planning.begun(2);
    assert.equal(day.count('planDay'), 1);
    assert.equal((await run.query<BackfillState>('progress')).concurrency, 7, 'it is carried on');
    await run.executeUpdate('pause');
    planning.end();
    await until('the days are listed again', async () => {
      const state = await run.query<BackfillState>('progress');
      return state.days === 2 && state.paused;
    });
    assert.equal(day.count('planDay'), 1);
    await run.executeUpdate('resume');
    assert.deepEqual(await run.result(), {
      from: '2024-02-25',
      to: '2024-02-26',
      loaded: 2,
      no_increment: 0,
      failed: 0,
    });
    assert.equal(day.count('generateReport'), 1, 'one report for all its days');
  });

  test('an input that is none fails as before', async () => {
    const day = given({ planBackfill: inTurn(new Error('the input is null')) });
    const run = await day.startRun('salesBackfill', null);
    await run.executeUpdate('pause');
    await run.cancel();
    await assert.rejects(run.result());
  });
});

test('a cancelled backfill ends, also when its day has continued as new', async () => {
  const planBackfill = () => ({
    ...PLAN,
    ...{ options: { ...OPTIONS, reportPollIntervalMs: 1 }, days: ['2024-02-25'], daysLeft: 1 },
  });
  const day = given({ planBackfill, getIncrement: () => incrementWithout('price_log') });
  const run = await day.startRun('salesBackfill', { ...RANGE, to: '2024-02-25' });
  // It plans once in each of its runs.
  await until('the day has continued as new', () => day.count('planDay') > 1);
  await run.cancel();
  await assert.rejects(run.result(), (error: Error) => error.cause instanceof CancelledFailure);
});

test('one rule for the concurrency of an update: from 1 to 100 (contract, ruling 61)', async () => {
  const day = given();
  const planning = new Planning(day);
  const run = await day.startRun('salesBackfill', RANGE);
  await planning.begun(1);
  for (const wrong of [0, 101, 1.5, '3', null])
    await assert.rejects(
      run.executeUpdate('setConcurrency', { args: [wrong] }),
      (error: Error) => /from 1 to 100/.test((error.cause as Error).message),
      String(wrong),
    );
  assert.match(await run.executeUpdate('setConcurrency', { args: [100] }), /up to 100 days/);
  await run.terminate();
  planning.end();
});
