import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { directorySource } from '../../dev/sample-api/directory-source.ts';
import { dump } from '../support/dump.ts';
import { REAL_DATA, withoutRealData } from '../support/left-out.ts';
import { TestStack } from '../support/stack.ts';

const stack = await TestStack.start();
after(() => stack.close());

test('a day is loaded from the API to the mart, and three times over leaves the same', async () => {
  stack.deliveries.set('2024-02-25', [
    { id: 1, uniq_id: 'a', payment_amount: '12.50' },
    { id: 2, uniq_id: 'b', customer_id: 2, city_id: 3, city_name: 'Ростов' },
    { id: 3, uniq_id: 'a', payment_amount: '12.50' },
  ]);
  const result = await stack.runDay('2024-02-25');
  assert.equal(result.outcome, 'loaded');
  assert.deepEqual(result.files.user_order_log_inc, {
    rows_read: 3,
    rows_kept: 2,
    rows_duplicate: 1,
    rows_rejected: 0,
  });
  const first = await dump(stack.db.pool);
  await stack.runDay('2024-02-25');
  await stack.runDay('2024-02-25');
  assert.equal(await dump(stack.db.pool), first);
  const [sales] = await stack.rows(
    'select count(*)::int as facts, sum(payment_amount) as revenue from mart.f_sales',
  );
  assert.deepEqual(sales, { facts: 2, revenue: '112.50' });
});

test('the real files: 1,091 rows, 160 orders', { skip: withoutRealData }, async () => {
  const real = await TestStack.start({ api: { source: directorySource(REAL_DATA) } });
  try {
    const result = await real.runDay('2024-02-25');
    assert.deepEqual(result.files.user_order_log_inc, {
      rows_read: 1091,
      rows_kept: 160,
      rows_duplicate: 931,
      rows_rejected: 0,
    });
  } finally {
    await real.close();
  }
});
