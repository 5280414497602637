import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FEEDS } from '../../domain/feeds.ts';
import { callsOf, failureOf, stackFor, until } from '../client/harness.ts';
import type { Order } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';
import type { TestStack } from '../support/stack.ts';

const DATE = '2024-02-25';

/** Starts the first run and waits until the date is its own. */
async function startHolder(stack: TestStack, id: string) {
  const handle = await stack.startDay(DATE, {}, id);
  await until(`${id} has claimed the date`, async () => {
    const claims = await stack.rows('select from staging.day_claim where workflow_id = $1', [
      handle.workflowId,
    ]);
    return claims.length === 1;
  });
  await until(`${id} waits for its report`, () => callsOf(stack, 'get_report').length > 0);
  return handle;
}

/** Waits until one of the runs has found the date taken, and waits. */
async function untilItWaits(...handles: Awaited<ReturnType<TestStack['startDay']>>[]): Promise<void> {
  await until('a run waits for the other', async () => {
    const states = await Promise.all(handles.map((one) => one.query<{ currentStep: string }>('state')));
    return states.some(({ currentStep }) =>
      /^Waiting for workflow .* which is loading 2024-02-25 already/.test(currentStep),
    );
  });
}

describe('two runs of one date', { concurrency: 4 }, () => {
  test('the other takes the result of the run that it has waited for, not of an earlier one', async (t) => {
    const stack = await stackFor(t);
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
    await stack.runDay(DATE, {}, 'one');
    stack.deliveries.set(DATE, [{ uniq_id: 'a' }, { uniq_id: 'b' }]);
    stack.api.requests.length = 0;
    stack.api.setReady({ pollsUntilReady: Infinity });
    const holder = await startHolder(stack, 'one');
    const waiting = await stack.startDay(DATE, {}, 'other');
    await untilItWaits(waiting);
    await until('it has looked again', async () => {
      const { events } = await waiting.fetchHistory();
      return (events ?? []).filter((event) => event.timerFiredEventAttributes).length >= 1;
    });
    await untilItWaits(waiting);
    stack.api.setReady({ pollsUntilReady: 0 });
    const [first, second] = await Promise.all([holder.result(), waiting.result()]);
    assert.equal(first.files.user_order_log_inc?.rows_kept, 2);
    assert.ok(second.joined, 'the second has joined');
    assert.deepEqual(second.files, first.files);
    assert.equal(callsOf(stack, 'generate_report').length, 1);
    assert.equal(callsOf(stack, 'storage').length, FEEDS.length, "one day's downloads");
  });

  for (const end of ['terminated', 'failed'] as const)
    test(`the first is ${end}: the second does the work`, async (t) => {
      const stack = await stackFor(t, { api: { pollsUntilReady: Infinity } });
      stack.deliveries.set(DATE, '<html></html>');
      const holder = await startHolder(stack, 'one');
      const waiting = await stack.startDay(DATE, {}, 'other');
      await untilItWaits(waiting);
      if (end === 'terminated') await holder.terminate();
      else {
        stack.api.setReady({ pollsUntilReady: 0 });
        assert.equal((await failureOf(holder.result())).type, 'FileRefused');
      }
      stack.deliveries.set(DATE, [{ uniq_id: 'a' }]);
      stack.api.setReady({ pollsUntilReady: 0 });
      const { outcome, joined } = await waiting.result();
      assert.deepEqual([outcome, joined], ['loaded', undefined]);
      assert.equal(callsOf(stack, 'generate_report').length, 2);
    });
});

test('dates that share orders, all at the same moment: the mart is that of one after the other', async (t) => {
  const days = ['2024-02-25', '2024-02-26', '2024-02-27', '2024-02-28'];
  const ordersOf = (day: number): Order[] =>
    Array.from({ length: 60 }, (_, n) => ({
      id: day * 1_000 + n,
      // Every order is in two of the days, under one date_time or another.
      uniq_id: `order-${day * 30 + n}`,
      date_time: `2024-02-${25 + (n % 4)}T00:00:00`,
      customer_id: n % 7,
      first_name: `Имя-${day}`,
      city_id: (n + day) % 5,
      city_name: `Город-${(n + day) % 5}`,
      item_id: n % 3,
      item_name: `Товар-${n % 3}`,
      payment_amount: `${day + 1}${n}.50`,
      status: (day * 30 + n) % 9 === 0 ? 'refunded' : 'shipped',
    }));
  const stack = await stackFor(t);
  for (const [day, date] of days.entries()) stack.deliveries.set(date, ordersOf(day));
  await Promise.all(days.toReversed().map((date) => stack.runDay(date, {}, `together-${date}`)));
  const together = await dump(stack.db.pool);
  const facts = await stack.rows('select from mart.f_sales');
  assert.equal(facts.length, 60 + 3 * 30, 'the days share their orders');
  for (const date of days) await stack.runDay(date);
  assert.equal(await dump(stack.db.pool), together);
});
