import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dump } from '../support/dump.ts';
import { resetPoints, resetRun } from '../support/reset.ts';
import { TestStack } from '../support/stack.ts';

const stack = await TestStack.start();
after(() => stack.close());

test('a day is loaded from the API to the mart, and three times over leaves the same', async () => {
  stack.deliveries.set('2024-02-24', [
    { id: 1, uniq_id: 'a', payment_amount: '12.50' },
    { id: 2, uniq_id: 'b', customer_id: 2, city_id: 3, city_name: 'Ростов' },
    { id: 3, uniq_id: 'a', payment_amount: '12.50' },
  ]);
  const result = await stack.runDay('2024-02-24');
  assert.equal(result.outcome, 'loaded');
  assert.deepEqual(result.files.user_order_log_inc, {
    rows_read: 3,
    rows_kept: 2,
    rows_duplicate: 1,
    rows_rejected: 0,
  });
  const first = await dump(stack.db.pool);
  await stack.runDay('2024-02-24');
  await stack.runDay('2024-02-24');
  assert.equal(await dump(stack.db.pool), first);
  const [sales] = await stack.rows(
    'select count(*)::int as facts, sum(payment_amount) as revenue from mart.f_sales',
  );
  assert.deepEqual(sales, { facts: 2, revenue: '112.50' });
});

test('every reset point of a day ends in the same mart', async () => {
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

const NAMES = ['user_order_log', 'f_sales', 'd_customer', 'file_load', 'f_customer_retention'];

test('a reset of an old run does not bring back what a newer download has superseded', async () => {
  stack.deliveries.set('2024-03-01', [{ uniq_id: 'old', payment_amount: 1 }]);
  const old = await stack.startDay('2024-03-01', {}, 'old');
  await old.result();
  stack.deliveries.set('2024-03-01', [{ uniq_id: 'new', payment_amount: 2 }]);
  await stack.runDay('2024-03-01', {}, 'new');
  const expected = await dump(stack.db.pool, NAMES);
  const points = await resetPoints(stack, old.workflowId, old.firstExecutionRunId);
  // The last points lie behind the download: the old files are staged again, and refused as older.
  for (const point of points.slice(-3)) {
    await resetRun(stack, old.workflowId, old.firstExecutionRunId, point);
    const now = await dump(stack.db.pool, NAMES);
    assert.equal(now, expected, `event ${String(point)}`);
  }
});
