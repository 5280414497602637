import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eachDay } from '../../domain/load-date.ts';
import { until } from '../client/harness.ts';
import { fakeDays } from '../support/fake-day.ts';
import { USUAL_ANSWERS, type Answers } from '../support/usual-answers.ts';

const SLOTS = 2;
const given = fakeDays({ maxConcurrentActivityTaskExecutions: SLOTS });

test('a run goes before a backfill that fills the only worker', async () => {
  const claimDay: Answers['claimDay'] = async (...args) => {
    await sleep(50);
    return await USUAL_ANSWERS.claimDay(...args);
  };
  const backfill = given({ claimDay });
  const [from, to] = ['2023-01-01', '2023-07-19'];
  const days = eachDay(from, to);
  const handle = await backfill.startRun('salesBackfill', { from, to, concurrency: 40 });
  await until('it is under way', () => backfill.count('planDay') >= 40);
  const today = given();
  const before = backfill.count('updateFSales');
  assert.equal((await (await today.start()).result()).outcome, 'loaded');
  const meanwhile = backfill.count('updateFSales') - before;
  // In turn with the others it would be through after the forty days in progress.
  assert.ok(meanwhile < 20, `${meanwhile} days were loaded meanwhile`);
  assert.ok(backfill.count('updateFSales') < days.length, 'the backfill is not through');
  await handle.cancel();
  await assert.rejects(handle.result());
});
