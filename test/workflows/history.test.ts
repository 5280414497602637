import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadedRun } from '../../schemas/documents.ts';
import { stackFor } from '../client/harness.ts';
import { directorySource } from '../../dev/sample-api/directory-source.ts';
import { documentOf } from '../support/client.ts';
import { ordersCsv } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';
import { REAL_DATA, withoutRealData } from '../support/left-out.ts';
import type { TestStack } from '../support/stack.ts';

const load = ({ environment }: TestStack) => documentOf<LoadedRun>('bootstrap', environment);

test('history is older than every increment, also when it is loaded again later', async (t) => {
  const stack = await stackFor(t);
  // An increment of a day before the report's start_day, and one of that very day.
  stack.deliveries.set('2024-01-15', [{ uniq_id: 'early', payment_amount: 11 }]);
  stack.deliveries.set('2024-02-02', [{ uniq_id: 'same', payment_amount: 22 }]);
  const history = (amount: number) =>
    ordersCsv([
      { uniq_id: 'early', payment_amount: amount },
      { uniq_id: 'same', payment_amount: amount },
      { uniq_id: 'old', payment_amount: amount },
    ]);
  const others = stack.deliveries.history.files;
  stack.deliveries.history.files = { ...others, user_order_log: history(1) };
  await stack.runDay('2024-01-15');
  await stack.runDay('2024-02-02');
  assert.equal((await load(stack)).date, '2024-02-02');
  const facts = () => stack.rows('select uniq_id, payment_amount from mart.f_sales order by uniq_id');
  const expected = (amount: string) => [
    { uniq_id: 'early', payment_amount: '11.00' },
    { uniq_id: 'old', payment_amount: amount },
    { uniq_id: 'same', payment_amount: '22.00' },
  ];
  assert.deepEqual(await facts(), expected('1.00'));
  const first = await dump(stack.db.pool);
  await load(stack);
  assert.equal(await dump(stack.db.pool), first);
  stack.deliveries.history.files = { ...others, user_order_log: history(5) };
  await load(stack);
  assert.deepEqual(await facts(), expected('5.00'));
});

test(
  'the real files: a full report of 22,525 rows, 5,119 orders, and a day of 1,091 rows, 160 orders',
  { skip: withoutRealData },
  async (t) => {
    const stack = await stackFor(t, { api: { source: directorySource(REAL_DATA) } });
    const { outcome, files } = await load(stack);
    assert.equal(outcome, 'loaded');
    assert.deepEqual([files.user_order_log?.rows_read, files.user_order_log?.rows_kept], [22_525, 5_119]);
    assert.equal((await stack.rows('select from mart.f_sales')).length, 5_119);
    const day = await stack.runDay('2024-02-25');
    assert.deepEqual(day.files.user_order_log_inc, {
      rows_read: 1_091,
      rows_kept: 160,
      rows_duplicate: 931,
      rows_rejected: 0,
    });
  },
);
