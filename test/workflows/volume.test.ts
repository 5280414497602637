import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addDays } from '../../domain/load-date.ts';
import type { Order } from '../support/deliveries.ts';
import { TestStack } from '../support/stack.ts';

let stack: TestStack;
before(async () => {
  stack = await TestStack.start();
});
after(() => stack.close());

const orders = (date: string, count: number): Order[] =>
  Array.from({ length: count }, (_, index) => ({ uniq_id: `${date}-${index}` }));

async function load(date: string, count: number) {
  stack.deliveries.set(date, orders(date, count));
  return await stack.runDay(date, { volumeAlertShare: 0.5 });
}

describe('a day with far fewer rows than usual (contract, ruling 33)', () => {
  test('is not noticed before 4 days are known', async () => {
    for (let day = 0; day < 3; day += 1) await load(addDays('2024-06-01', day), 10);
    assert.deepEqual((await load('2024-06-04', 1)).warnings, []);
  });

  test('is loaded with a warning that is recorded', async () => {
    const { outcome, warnings } = await load('2024-06-05', 4);
    assert.equal(outcome, 'loaded');
    assert.deepEqual(warnings, [
      'user_order_log_inc kept 4 rows; the median of its last loaded days is 10 (VOLUME_ALERT_SHARE)',
    ]);
    assert.deepEqual(await stack.warnings('2024-06-05'), warnings);
  });

  test('exactly the share is enough, and 0 turns it off', async () => {
    assert.deepEqual((await load('2024-06-06', 5)).warnings, []);
    stack.deliveries.set('2024-06-07', orders('2024-06-07', 1));
    assert.deepEqual((await stack.runDay('2024-06-07', { volumeAlertShare: 0 })).warnings, []);
  });
});
