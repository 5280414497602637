import assert from 'node:assert/strict';
import { after, afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { updateFacts } from '../../pipeline/load/update-mart.ts';
import { until } from '../client/harness.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';
import { empty, lines, Loader } from './support.ts';

const DAY = '2024-02-25';

const db = await createTestDatabase();
after(() => db.drop());
const loader = new Loader(db.database);
afterEach(() => empty(db.pool));

/** Orders that all tell by their quantity which file they come from; half of the keys differ from file to file. */
function ordersOf(file: number, count: number): Order[] {
  return Array.from({ length: count }, (_, index) => ({
    uniq_id: index % 2 === 0 ? `both ${index}` : `file ${file} ${index}`,
    id: index,
    customer_id: index % 7,
    quantity: file,
    payment_amount: file,
    date_time: DAY,
  }));
}

describe('two sessions', () => {
  test('that stage one date at once never double a row: the later download stays', async () => {
    for (let round = 0; round < 8; round += 1) {
      const numbers = [1, 2, 3].map((number) => round * 3 + number);
      const staged = await Promise.all(
        numbers.map((deliveryNumber, file) => loader.stage(DAY, ordersOf(file, 50), { deliveryNumber })),
      );
      assert.equal(staged[2]?.superseded, false);
      assert.deepEqual(
        await lines(
          db.pool,
          `select count(*), min(quantity), max(quantity), (select max(delivery_number) from staging.file_load)
           from staging.user_order_log`,
        ),
        [`50 | 2 | 2 | ${numbers[2]}`],
      );
    }
  });

  test('wait for each other in the mart, and then see what the other has written', async () => {
    await loader.stage('2024-02-26', [{ uniq_id: 'a', quantity: 26 }]);
    await loader.stage('2024-02-25', [{ uniq_id: 'a', quantity: 25 }]);
    let waiting = Promise.resolve();
    await db.database.transaction(async (session) => {
      await session.lock('mart f_sales');
      // It has begun its transaction before the facts of the later date are there.
      waiting = loader.updateMart('2024-02-25');
      await untilCounted(`select count(*) from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`);
      await updateFacts(session, { loadDate: '2024-02-26', source: 'increment' });
    });
    await waiting;
    assert.deepEqual(await lines(db.pool, 'select uniq_id, quantity from mart.f_sales'), ['a | 26']);
  });

  test('of which one is cancelled leave nothing of that one', async () => {
    await loader.load(DAY, ordersOf(1, 10));
    const before = await dump(db.pool);
    const abort = new AbortController();
    const cancelled = db.database.transaction(async (session) => {
      await session.lock('mart f_sales');
      await session.query('delete from mart.f_sales');
      await session.query('select pg_sleep(60)');
    }, abort.signal);
    await untilCounted(
      `select count(*) from pg_stat_activity where query like '%pg_sleep(60)' and state = 'active'`,
    );
    abort.abort(new Error('cancelled by the test'));
    await assert.rejects(cancelled, /cancelled by the test/);
    // The server notices that the client is gone, and the lock is free again.
    await loader.updateMart(DAY);
    assert.equal(await dump(db.pool), before);
  });
});

test('a reader sees a delivery whole, old or new: staging, facts, retention and calendar', async () => {
  const sums = 'select count(*), min(quantity), max(quantity), sum(payment_amount) from';
  const questions = [
    `${sums} staging.user_order_log`,
    `${sums} mart.f_sales`,
    'select * from mart.f_customer_retention',
    'select count(*) from mart.f_sales where date_id not in (select date_id from mart.d_calendar)',
  ];
  const files = [ordersOf(1, 300), ordersOf(2, 200)];
  const whole = questions.map(() => new Set<string>());
  const seen = questions.map(() => new Set<string>());
  const ask = async (question: string) => (await lines(db.pool, question)).join();
  for (const orders of files) {
    await loader.load(DAY, orders);
    for (const [index, question] of questions.entries()) whole[index]?.add(await ask(question));
  }
  assert.deepEqual([whole[0]?.size, [...(whole[3] ?? [])]], [2, ['0']]);
  let done = false;
  const readers = questions.map(async (question, index) => {
    while (!done) {
      seen[index]?.add(await ask(question));
      await sleep(3);
    }
  });
  for (let reload = 0; reload < 12; reload += 1) await loader.load(DAY, files[reload % 2] ?? []);
  done = true;
  await Promise.all(readers);
  assert.deepEqual(
    seen.map((answers) => [...answers].sort()),
    whole.map((answers) => [...answers].sort()),
  );
});

async function untilCounted(query: string): Promise<void> {
  await until(query, async () => (await lines(db.pool, query))[0] !== '0');
}
