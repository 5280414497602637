import assert from 'node:assert/strict';
import { after, afterEach, describe, test } from 'node:test';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { updateFacts } from '../../pipeline/load/update-mart.ts';
import { until } from '../client/harness.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Order } from '../support/deliveries.ts';
import { tablesOf, type Load } from './model.ts';
import { empty, lines, Loader, tables, textOf } from './support.ts';

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
    for (let round = 0; round < 15; round += 1) {
      const numbers = [
        await nextDeliveryNumber(db.database),
        await nextDeliveryNumber(db.database),
        await nextDeliveryNumber(db.database),
      ];
      const staged = await Promise.all(
        numbers.map((deliveryNumber, file) => loader.stage(DAY, ordersOf(file, 50), { deliveryNumber })),
      );
      assert.equal(staged[2]?.superseded, false);
      assert.deepEqual(
        await lines(db.pool, 'select count(*), min(quantity), max(quantity) from staging.user_order_log'),
        ['50 | 2 | 2'],
      );
      assert.deepEqual(await lines(db.pool, 'select delivery_number from staging.file_load'), [
        String(numbers[2]),
      ]);
    }
  });

  test('that load dates with shared orders side by side end in the same mart as one after the other', async () => {
    const days = ['2024-02-23', '2024-02-24', '2024-02-25', '2024-02-26'];
    const versions = [1, 2, 3];
    const load = async (day: string, file: number) => {
      const shared = ordersOf(file, 40).filter((_, index) => index % 2 === 0 || index % 3 === file % 3);
      await loader.load(
        day,
        shared.map((one) => ({ ...one, city_id: Number(day.slice(-2)), date_time: day })),
      );
    };
    const names = ['user_order_log', 'd_calendar', 'd_city', 'd_item', 'd_customer', 'f_sales'];
    for (const day of days) await load(day, 3);
    const expected = textOf(await tables(db.pool, names));
    for (let round = 0; round < 5; round += 1) {
      await empty(db.pool);
      await Promise.all(
        days.map(async (day, index) => {
          for (const file of versions.slice(index % 2)) await load(day, file);
        }),
      );
      assert.equal(textOf(await tables(db.pool, names)), expected);
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
      await untilOneWaits();
      await updateFacts(session, { loadDate: '2024-02-26', source: 'increment' });
    });
    await waiting;
    assert.deepEqual(await lines(db.pool, 'select uniq_id, quantity from mart.f_sales'), ['a | 26']);
  });

  test('of which one is cancelled leave nothing of that one', async () => {
    await loader.load(DAY, ordersOf(1, 10));
    const before = textOf(await tables(db.pool));
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
    assert.equal(textOf(await tables(db.pool)), before);
  });
});

test('a reader sees a delivery whole, old or new: staging, facts and retention', async () => {
  const files = [ordersOf(1, 300), ordersOf(2, 200)];
  const load: Omit<Load, 'rows'> = { loadDate: DAY, isHistory: false, number: 1, withStatus: true };
  const whole = files.map((orders, index) => {
    const rows = orders.map((one) => ({
      ...{ id: Number(one.id), uniqId: one.uniq_id, dateTime: `${DAY} 00:00:00`, cityId: 0, cityName: '' },
      ...{ customerId: Number(one.customer_id), firstName: null, itemId: 1, itemName: '' },
      ...{ quantity: index + 1, cents: (index + 1) * 100, status: 'shipped' as const, bad: null },
    }));
    return tablesOf([{ ...load, rows }])['f_customer_retention']?.join();
  });
  const questions: Record<string, { query: string; answers: (string | undefined)[] }> = {
    staging: {
      query: 'select count(*), min(quantity), max(quantity), sum(payment_amount) from staging.user_order_log',
      answers: ['300 | 1 | 1 | 300.00', '200 | 2 | 2 | 400.00'],
    },
    facts: {
      query: 'select count(*), min(quantity), max(quantity), sum(payment_amount) from mart.f_sales',
      answers: ['300 | 1 | 1 | 300.00', '200 | 2 | 2 | 400.00'],
    },
    retention: { query: 'select * from mart.f_customer_retention', answers: whole },
    calendar: {
      query: `select count(*) from mart.f_sales where date_id not in (select date_id from mart.d_calendar)`,
      answers: ['0'],
    },
  };
  await loader.load(DAY, files[0] ?? []);
  let done = false;
  const seen: Record<string, Set<string>> = {};
  const readers = Object.entries(questions).map(async ([name, { query }]) => {
    const answers = (seen[name] = new Set<string>());
    while (!done) answers.add((await lines(db.pool, query)).join());
  });
  for (let reload = 1; reload <= 30; reload += 1) await loader.load(DAY, files[reload % 2] ?? []);
  done = true;
  await Promise.all(readers);
  for (const [name, { answers }] of Object.entries(questions)) {
    assert.deepEqual([...(seen[name] ?? [])].sort(), [...answers].sort(), name);
  }
});

async function untilOneWaits(): Promise<void> {
  await untilCounted(`select count(*) from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())`);
}

async function untilCounted(query: string): Promise<void> {
  await until(query, async () => (await lines(db.pool, query))[0] !== '0');
}
