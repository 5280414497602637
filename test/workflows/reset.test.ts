import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { salesIncrement } from '../../workflows/index.ts';
import { dump } from '../support/dump.ts';
import { TestStack } from '../support/stack.ts';

let stack: TestStack;
before(async () => {
  stack = await TestStack.start();
});
after(() => stack.close());

/** As the UI and `temporal workflow reset` do it; returns the outcome of the new run. */
async function reset(workflowId: string, runId: string, eventId: EventId): Promise<string> {
  const response = await stack.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId },
    reason: 'a test',
    workflowTaskFinishEventId: eventId,
    requestId: randomUUID(),
  });
  const result: unknown = await stack.client.workflow.getHandle(workflowId, response.runId).result();
  return (result as { outcome: string }).outcome;
}

type EventId = NonNullable<NonNullable<History['events']>[number]['eventId']>;
type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** The events that the UI offers to reset to. */
async function resetPoints(workflowId: string, runId: string): Promise<EventId[]> {
  const { events } = await stack.client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).flatMap((event) =>
    event.workflowTaskCompletedEventAttributes && event.eventId ? [event.eventId] : [],
  );
}

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
  const points = await resetPoints(handle.workflowId, runId);
  assert.ok(points.length >= 12, `only ${points.length} points`);
  for (const point of points) {
    assert.equal(await reset(handle.workflowId, runId, point), 'loaded', `event ${String(point)}`);
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
  const points = await resetPoints(old.workflowId, old.firstExecutionRunId);
  // The last points lie behind the download: the old files are staged again, and refused as older.
  for (const point of points.slice(-5)) {
    await reset(old.workflowId, old.firstExecutionRunId, point);
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
