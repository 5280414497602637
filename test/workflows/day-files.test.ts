import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { after, describe, test } from 'node:test';
import { FEEDS } from '../../domain/feeds.ts';
import type { FaultAction, FileContent } from '../../dev/sample-api/server.ts';
import { callsOf, failureOf } from '../client/harness.ts';
import { ordersCsv, PRICES_CSV } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';
import { TestStack } from '../support/stack.ts';

const TABLES = FEEDS.map(({ name }) => name);
const stack = await TestStack.start({ settings: { DATABASE_POOL_SIZE: '20' } });
after(() => stack.close());

/** Everything but what became of the last run. */
const DATA = [
  ...[...TABLES, 'rejected_row', 'file_load'],
  ...['d_calendar', 'd_city', 'd_item', 'd_customer', 'f_sales', 'f_customer_retention'],
];

async function outcomeOf(date: string) {
  const [row] = await stack.rows<{ outcome: string; error: string | null; error_type: string | null }>(
    'select outcome, error, error_type from staging.day_load where load_date = $1',
    [date],
  );
  return row;
}

/** How many rows are staged of each file of a date. */
async function stagedOf(date: string): Promise<Record<string, number>> {
  const counts = TABLES.map(
    (table) => `(select count(*) from staging.${table} where load_date = $1)::int as ${table}`,
  );
  return (await stack.rows<Record<string, number>>(`select ${counts.join(', ')}`, [date]))[0] ?? {};
}

const NOTHING = Object.fromEntries(TABLES.map((table) => [table, 0]));
/** One row of each file, but two prices. */
const ONE_EACH = { ...Object.fromEntries(TABLES.map((table) => [table, 1])), price_log: 2 };

describe('files of a day', { concurrency: 4 }, () => {
  test('NOT FOUND comes with HTTP 404 as well', async () => {
    const body = JSON.stringify({ status: 'NOT FOUND', debug_info: 'Date is too early' });
    const date = '2024-03-02';
    stack.api.addFault({ on: 'get_increment', date, do: 'status', status: 404, body });
    assert.equal((await stack.runDay(date)).outcome, 'no_increment');
    assert.equal((await outcomeOf(date))?.outcome, 'no_increment');
    assert.deepEqual(await stagedOf(date), NOTHING);
  });

  const notThere: Record<string, FaultAction> = {
    'an address is missing': { do: 'missing-files', files: ['price_log_inc', 'customer_research_inc'] },
    'data is null': { do: 'null-data' },
    'all addresses are empty': { do: 'empty-urls' },
  };
  for (const [index, [what, action]] of Object.entries(notThere).entries()) {
    test(`${what}: asked again until the files are there`, async () => {
      const date = `2024-03-1${index}`;
      stack.deliveries.set(date, [{ uniq_id: `later-${index}` }]);
      stack.api.addFault({ on: 'get_increment', date, times: 2, ...action });
      const { outcome, files } = await stack.runDay(date, { filesTimeoutMs: 30_000 });
      assert.equal(outcome, 'loaded');
      assert.equal(Object.keys(files).length, FEEDS.length);
      assert.deepEqual(await stagedOf(date), ONE_EACH);
      assert.equal(
        callsOf(stack, 'get_increment', date).length,
        2 + 1 + FEEDS.length,
        'two in vain, one, and one per download',
      );
    });
  }

  test('files that never come: FilesMissing names them, and nothing is loaded', async () => {
    const date = '2024-03-20';
    stack.deliveries.set(date, [{ uniq_id: 'never' }], { price_log_inc: null, customer_research_inc: null });
    const { type, message } = await failureOf(stack.runDay(date, { filesTimeoutMs: 1_000 }));
    assert.equal(type, 'FilesMissing');
    assert.match(message, /2024-03-20 lacks customer_research_inc, price_log_inc after 1s/);
    assert.deepEqual(await outcomeOf(date), { outcome: 'failed', error: message, error_type: type });
    assert.deepEqual(await stagedOf(date), NOTHING);
    assert.equal(callsOf(stack, 'storage').filter((r) => r.path.includes(date)).length, 0);
    assert.ok(callsOf(stack, 'get_increment', date).length >= 2, 'it was asked for more than once');
  });

  test('an optional file that is absent: the day loads, and what was staged of that file stays', async () => {
    const date = '2024-03-21';
    stack.deliveries.set(date, [{ uniq_id: 'optional' }], { price_log_inc: 'Хлеб,1\nСыр,2\nЧай,3\n' });
    await stack.runDay(date);
    stack.deliveries.set(date, [{ uniq_id: 'optional' }, { uniq_id: 'another' }], { price_log_inc: null });
    const { outcome, files } = await stack.runDay(date, { optionalFiles: ['price_log_inc'] });
    assert.equal(outcome, 'loaded');
    assert.ok(!('price_log_inc' in files), 'the absent file is not among those that were loaded');
    assert.deepEqual(await stagedOf(date), { ...ONE_EACH, user_order_log: 2, price_log: 3 });
  });

  test('an optional file that storage never gives: the day loads without it when FILES_TIMEOUT is over', async () => {
    const date = '2024-03-28';
    stack.deliveries.set(date, [{ uniq_id: 'broken' }]);
    stack.api.addFault({ on: 'storage', times: -1, date, file: 'price_log_inc', do: 'status', status: 500 });
    const options = { optionalFiles: ['price_log_inc'], filesTimeoutMs: 1_000 };
    const { outcome, files, warnings } = await stack.runDay(date, options);
    assert.equal(outcome, 'loaded');
    assert.ok(!('price_log_inc' in files));
    assert.deepEqual(warnings, ['price_log_inc was missing; the day was loaded without it']);
  });

  for (const [index, status] of [404, 403].entries()) {
    test(`storage answers ${status}: a fresh address is asked for`, async () => {
      const date = `2024-03-2${2 + index}`;
      stack.deliveries.set(date, [{ uniq_id: `storage-${status}` }]);
      stack.api.addFault({
        on: 'storage',
        date,
        file: 'price_log_inc',
        do: 'status',
        status,
      });
      assert.equal((await stack.runDay(date)).outcome, 'loaded');
      assert.equal(
        callsOf(stack, 'get_increment', date).length,
        2 * (1 + FEEDS.length),
        'the whole question, twice',
      );
      assert.deepEqual(await stagedOf(date), ONE_EACH);
    });
  }

  test('storage never has a file: FilesMissing names it, and nothing is loaded', async () => {
    const date = '2024-03-24';
    stack.deliveries.set(date, [{ uniq_id: 'gone' }]);
    stack.api.addFault({
      on: 'storage',
      date,
      file: 'price_log_inc',
      times: -1,
      do: 'status',
      status: 404,
    });
    const { type, message } = await failureOf(stack.runDay(date, { filesTimeoutMs: 1_000 }));
    assert.equal(type, 'FilesMissing');
    assert.match(message, /Download of price_log_inc from http.*: the storage answered 404/);
    assert.deepEqual(await stagedOf(date), NOTHING);
    assert.equal((await outcomeOf(date))?.outcome, 'failed');
  });
});

/** Files that are not what they should be, and what the failure says of them. */
const REFUSED: { file: string; content: FileContent; found: RegExp }[] = [
  { file: 'user_order_log_inc', content: '<html><body>Bad gateway</body></html>', found: /HTML or XML page/ },
  {
    file: 'user_order_log_inc',
    content: ordersCsv(
      Array.from({ length: 10 }, (_, n) => ({ uniq_id: `x${n}`, quantity: n < 2 ? 'bad' : 1 })),
    ),
    found: /2 of (?:its |the )?10 rows/,
  },
  { file: 'user_activity_log_inc', content: 'id,uniq_id\n1,a\n', found: /lacks the columns date_time/ },
  { file: 'customer_research_inc', content: '{"error": "no such report"}', found: /JSON/ },
  { file: 'price_log_inc', content: gzipSync(PRICES_CSV), found: /gzip/ },
];

for (const date of ['2024-02-25', '2024-02-26'])
  test(`one refused file, of a day that was ${date === '2024-02-25' ? '' : 'not '}loaded before: nothing changes`, async () => {
    const shared = { uniq_id: 'before', payment_amount: 7 };
    stack.deliveries.set('2024-02-24', [shared]);
    await stack.runDay('2024-02-24');
    if (date === '2024-02-25') {
      stack.deliveries.set(date, [{ uniq_id: 'old' }, { ...shared, payment_amount: 8 }, { uniq_id: '' }]);
      await stack.runDay(date, { maxRejectedShare: 0.5 });
    }
    const before = await dump(stack.db.pool, DATA);
    for (const { file, content, found } of REFUSED) {
      stack.deliveries.set(date, [{ uniq_id: 'new' }, { ...shared, payment_amount: 9 }], {
        price_log_inc: 'Новый товар,1\n',
        [file]: content,
      });
      const { type, message, next } = await failureOf(stack.runDay(date));
      assert.equal(type, 'FileRefused', message);
      assert.match(message, new RegExp(`^${file} of ${date} is refused: `));
      assert.match(message, found);
      assert.ok(next);
      assert.equal(await dump(stack.db.pool, DATA), before, `nothing changed: ${message}`);
      assert.deepEqual(await outcomeOf(date), { outcome: 'failed', error: message, error_type: type });
    }
  });

test('two bad files are both named', async () => {
  stack.deliveries.set('2024-02-27', '<html></html>', { price_log_inc: '{}' });
  const { type, message } = await failureOf(stack.runDay('2024-02-27'));
  assert.equal(type, 'FileRefused');
  assert.match(message, /user_order_log_inc of .* is refused.*price_log_inc of 2024-02-27 is refused/);
});
