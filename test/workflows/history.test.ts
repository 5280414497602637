import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directorySource } from '../../dev/sample-api/directory-source.ts';
import { ordersCsv } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';
import { client } from '../support/processes.ts';
import { REAL_DATA, withoutRealData } from '../support/left-out.ts';
import { TestStack } from '../support/stack.ts';

interface Document {
  date: string;
  outcome: string;
  files: Record<string, { rows_read: number; rows_kept: number }>;
}

async function bootstrap(stack: TestStack): Promise<Document> {
  const { code, stdout, stderr } = await client(['bootstrap', '--json'], stack.environment);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Document;
}

test('history is older than every increment, also when it is loaded again later', async () => {
  const stack = await TestStack.start();
  try {
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
    assert.equal((await bootstrap(stack)).date, '2024-02-02');
    const facts = () => stack.rows('select uniq_id, payment_amount from mart.f_sales order by uniq_id');
    const expected = (amount: string) => [
      { uniq_id: 'early', payment_amount: '11.00' },
      { uniq_id: 'old', payment_amount: amount },
      { uniq_id: 'same', payment_amount: '22.00' },
    ];
    assert.deepEqual(await facts(), expected('1.00'));
    const first = await dump(stack.db.pool);
    await bootstrap(stack);
    assert.equal(await dump(stack.db.pool), first);
    stack.deliveries.history.files = { ...others, user_order_log: history(5) };
    await bootstrap(stack);
    assert.deepEqual(await facts(), expected('5.00'));
  } finally {
    await stack.close();
  }
});

test('the real full report: 22,525 rows, 5,119 orders', { skip: withoutRealData }, async () => {
  const stack = await TestStack.start({ api: { source: directorySource(REAL_DATA) } });
  try {
    const { outcome, files } = await bootstrap(stack);
    assert.equal(outcome, 'loaded');
    assert.equal(files.user_order_log?.rows_read, 22525);
    assert.equal(files.user_order_log.rows_kept, 5119);
    const [sales] = await stack.rows<{ facts: number }>('select count(*)::int as facts from mart.f_sales');
    assert.equal(sales?.facts, 5119);
  } finally {
    await stack.close();
  }
});
