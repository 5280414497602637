import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { salesIncrement } from '../../workflows/index.ts';
import { dump } from '../support/dump.ts';
import { resetPoints, resetRun } from '../support/reset.ts';
import { TestStack } from '../support/stack.ts';

const stack = await TestStack.start();
after(() => stack.close());

test('every reset point of a day ends in the same mart', { timeout: 200_000 }, async () => {
  stack.deliveries.set(
    '2024-02-25',
    [{ uniq_id: 'a' }, { uniq_id: 'b', status: 'refunded' }, { uniq_id: '' }],
    {},
  );
  const handle = await stack.startDay('2024-02-25', { maxRejectedShare: 0.5 });
  await handle.result();
  const runId = handle.firstExecutionRunId;
  const expected = await dump(stack.db.pool);
  const points = await resetPoints(stack, handle.workflowId, runId);
  assert.ok(points.length >= 10, `only ${points.length} points`);
  for (const point of points) {
    assert.equal(await resetRun(stack, handle.workflowId, runId, point), 'loaded', `event ${String(point)}`);
    assert.equal(await dump(stack.db.pool), expected, `event ${String(point)}`);
  }
});

test('a reset of an old run does not bring back what a newer download has superseded', async () => {
  stack.deliveries.set('2024-03-01', [{ uniq_id: 'old', payment_amount: 1 }]);
  const old = await stack.startDay('2024-03-01', {}, 'old');
  await old.result();
  stack.deliveries.set('2024-03-01', [{ uniq_id: 'new', payment_amount: 2 }]);
  await stack.runDay('2024-03-01', {}, 'new');
  const expected = await dump(stack.db.pool, [
    'user_order_log',
    'f_sales',
    'd_customer',
    'file_load',
    'f_customer_retention',
  ]);
  const points = await resetPoints(stack, old.workflowId, old.firstExecutionRunId);
  // The last points lie behind the download: the old files are staged again, and refused as older.
  for (const point of points.slice(-5)) {
    await resetRun(stack, old.workflowId, old.firstExecutionRunId, point);
    const now = await dump(stack.db.pool, [
      'user_order_log',
      'f_sales',
      'd_customer',
      'file_load',
      'f_customer_retention',
    ]);
    assert.equal(now, expected, `event ${String(point)}`);
  }
});

test('one file of a day is staged again by itself', async () => {
  stack.deliveries.set('2024-03-02', [{ uniq_id: 'a' }]);
  await stack.runDay('2024-03-02');
  stack.deliveries.set('2024-03-02', [{ uniq_id: 'changed' }], { price_log_inc: 'Томаты,77\n' });
  const result = await stack.client.workflow.execute<typeof salesIncrement>('salesIncrement', {
    workflowId: `${stack.taskQueue}-one-file`,
    taskQueue: stack.taskQueue,
    args: [{ loadDate: '2024-03-02', files: ['price_log_inc'] }],
  });
  assert.deepEqual(Object.keys(result.files), ['price_log_inc']);
  const prices = await stack.rows("select name, price from staging.price_log where load_date = '2024-03-02'");
  assert.deepEqual(prices, [{ name: 'Томаты', price: '77.00' }]);
  const orders = await stack.rows(
    "select uniq_id from staging.user_order_log where load_date = '2024-03-02'",
  );
  assert.deepEqual(orders, [{ uniq_id: 'a' }]);
});
