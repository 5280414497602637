import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { forgetCustomers, type ForgottenCustomer } from '../../database/forget.ts';
import { COLUMNS_BEHIND_CUSTOMER } from '../../domain/feeds.ts';
import { Landing } from '../../pipeline/extract/landing.ts';
import { doHousekeeping } from '../../worker/housekeeping.ts';
import { lines, Loader } from '../database/support.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { ordersCsv, type Order } from '../support/deliveries.ts';
import { dump } from '../support/dump.ts';
import { ID, named, NAMES, namesInDatabase, NEW_NAMES, UNCHANGED } from './support.ts';

const REJECTED = 'select line, raw from staging.rejected_row order by load_date, file, line';

describe('forgetting a customer', () => {
  let db: TestDatabase;
  let loader: Loader;
  beforeEach(async () => {
    db = await createTestDatabase();
    loader = new Loader(db.database);
  });
  afterEach(async () => {
    await db.drop();
  });

  const forget = async (...ids: (number | string)[]): Promise<ForgottenCustomer[]> =>
    await forgetCustomers(db.database, ids.map(String), COLUMNS_BEHIND_CUSTOMER, () => undefined);
  const orders: Order[] = [
    named({ uniq_id: 'a' }),
    named({ uniq_id: 'b', payment_amount: 30, status: 'refunded' }),
    { uniq_id: 'c', customer_id: 2, first_name: 'Борис', status: 'shipped' },
  ];
  const withoutNames = async () =>
    await lines(
      db.pool,
      `select count(*), count(id), count(city_name) from staging.user_order_log
       where customer_id = ${ID} and first_name is null and last_name is null`,
    );

  const customers = async () =>
    await lines(
      db.pool,
      'select customer_id, first_name, last_name, city_id from mart.d_customer order by 1',
    );

  test('removes the names everywhere and nothing else: orders and retention stay', async () => {
    await loader.load('2024-02-25', orders);
    await loader.load('2024-02-26', [named({ uniq_id: 'd' }, NEW_NAMES)]);
    await loader.load('2024-02-02', [named({ uniq_id: 'h' })], { source: 'history' });
    await db.pool.query('analyze');
    assert.deepEqual(await namesInDatabase(db.pool), ['mart.d_customer', 'staging.user_order_log']);
    const before = await dump(db.pool, UNCHANGED);
    const [forgotten] = await forget(ID);
    assert.deepEqual(
      [forgotten?.customer_id, forgotten?.staged_rows, forgotten?.mart_rows, forgotten?.rejected_rows],
      [String(ID), 4, 1, 0],
    );
    assert.deepEqual(await namesInDatabase(db.pool), []);
    assert.equal(await dump(db.pool, UNCHANGED), before);
    assert.deepEqual(await withoutNames(), ['4 | 4 | 4']);
    assert.deepEqual(await customers(), ['2 | Борис | Великая | 0', `${ID} | - | - | 0`]);
    // A second time finds nothing and adds nothing.
    const nothing = { staged_rows: 0, mart_rows: 0, rejected_rows: 0 };
    assert.deepEqual(await forget(ID), [{ ...forgotten, ...nothing }]);
    const audit = `select customer_id, forgotten_by = session_user, forgotten_at > now() - interval '1 minute',
      staged_rows, mart_rows, rejected_rows from staging.forgotten_customer`;
    assert.deepEqual(await lines(db.pool, audit), [`${ID} | true | true | 4 | 1 | 0`]);
    // A customer who is not known yet has no name from the first order on.
    const least = '-9223372036854775808';
    const [unknown] = await forget(least);
    assert.deepEqual(unknown, { ...unknown, customer_id: least, ...nothing });
    await loader.load('2024-02-27', [named({ uniq_id: 'l', customer_id: least })]);
    assert.deepEqual(await namesInDatabase(db.pool), []);
  });

  test('no load brings a name back: again, changed, under another date, as history', async () => {
    await loader.load('2024-02-25', orders);
    await forget(ID);
    const before = await dump(db.pool);
    await loader.load('2024-02-25', orders);
    const counts = (text: string) => text.replace(/"[0-9a-f]{64}",\d+|"\d+\.\d+"/g, '');
    assert.equal(counts(await dump(db.pool)), counts(before), 'a rerun changes nothing');
    await loader.load('2024-02-25', [named({ uniq_id: 'a' }, NEW_NAMES), named({ uniq_id: 'e' }, NEW_NAMES)]);
    await loader.load('2024-03-01', [
      named({ uniq_id: 'f', city_id: 5, date_time: '2024-03-01' }, NEW_NAMES),
    ]);
    await loader.load('2024-02-02', [named({ uniq_id: 'h' })], { source: 'history' });
    assert.deepEqual(await namesInDatabase(db.pool), []);
    assert.deepEqual(await withoutNames(), ['4 | 4 | 4']);
    assert.deepEqual(await customers(), ['2 | Борис | Великая | 0', `${ID} | - | - | 5`]);
  });

  /** By line: the text stays only where it is known to be another customer's. */
  const bad: [kept: boolean, order: Order | string][] = [
    [true, { uniq_id: 'x', customer_id: 2, first_name: 'Борис', quantity: 'two' }],
    [false, named({ uniq_id: 'x', quantity: 'two' })],
    [false, named({ uniq_id: 'x', customer_id: `0${ID}`, quantity: 'two' })],
    // By the names, with the id of somebody else, and with a quote.
    [false, named({ uniq_id: 'x', customer_id: 2, quantity: 'two' })],
    [false, named({ uniq_id: 'x', customer_id: 2, first_name: `"О""Нил"`, quantity: 'two' }, ['', ''])],
    // Whose row it is cannot be told.
    [false, named({ uniq_id: 'x', customer_id: '47x11' }, NEW_NAMES)],
    [false, named({ uniq_id: 'x', customer_id: '47x11', date_time: 'today' }, NEW_NAMES)],
    [false, `1,x,${NAMES[0]}`],
    // Part of another number.
    [true, { uniq_id: `x${ID}0`, customer_id: `2${ID}`, first_name: 'Борис', quantity: 'two' }],
  ];
  const badCsv = (): string => {
    const good = [named({ uniq_id: 'a' }), named({ uniq_id: 'b', first_name: `"О""Нил"` })];
    const csv = ordersCsv(good);
    const rows = bad.map(([, order]) => (typeof order === 'string' ? order : lastLine(ordersCsv([order]))));
    return `${csv}${rows.join('\n')}\n`;
  };
  const expected = bad.map(([kept], index) => [index + 4, kept]);
  const kept = async () =>
    (await db.pool.query<{ line: string; raw: string }>(REJECTED)).rows.map(({ line, raw }) => [
      Number(line),
      raw !== '',
    ]);

  test('rejected rows that may hold the names lose their text, staged before or after', async () => {
    await loader.load('2024-02-25', badCsv());
    const prices = await loader.stage('2024-02-25', `Молоко ${ID},x\n`, { feed: 'price_log' });
    assert.equal(prices.counts.rows_rejected, 1);
    await db.pool.query('analyze');
    const [forgotten] = await forget(ID);
    assert.equal(forgotten?.rejected_rows, bad.filter(([one]) => !one).length + 1);
    assert.deepEqual(await namesInDatabase(db.pool), []);
    assert.deepEqual(await kept(), [[1, false], ...expected]);
    await loader.load('2024-02-25', badCsv());
    await loader.load('2024-02-26', badCsv());
    assert.deepEqual(await namesInDatabase(db.pool), []);
    assert.deepEqual(await kept(), [[1, false], ...expected, ...expected]);
    const [again] = await forget(ID);
    assert.equal(again?.rejected_rows, 0);
  });

  test('an order that has strayed into another file loses its text, and so after every load', async () => {
    const stray = `77,u-77,2024-02-25T00:00:00,1,Город,${ID},${NAMES.join(',')},1,Вещь,1,10.00,shipped`;
    const files: Record<string, string> = {
      price_log: `Молоко,150\n${stray}\n${NAMES[0]},dear\n`,
      user_activity_log: `id,uniq_id,date_time,action_id,customer_id,quantity\n1,a,2024-02-25,1,5,1\n2,b,2024-02-25,1,6,1${stray}\n`,
      customer_research: `date_id,category_id,geo_id,sales_qty,sales_amt\n2024-02-25,1,1,1,${NAMES[1]}\n`,
    };
    const load = async () => {
      for (const [feed, csv] of Object.entries(files)) await loader.stage('2024-02-25', csv, { feed });
      await loader.stage('2024-02-02', files.price_log ?? '', { feed: 'price_log', source: 'history' });
    };
    await load();
    assert.deepEqual(await namesInDatabase(db.pool), ['staging.rejected_row']);
    // A row of somebody else whose customer was read keeps its text.
    const other = 'id,uniq_id,date_time,action_id,customer_id,quantity\n1,a,2024-02-25,1,5,many\n';
    await loader.stage('2024-02-26', other, { feed: 'user_activity_log' });
    const landed = await loader.land('2024-02-27', files.price_log ?? '', { feed: 'price_log' });
    await forget(ID);
    assert.deepEqual(await namesInDatabase(db.pool), []);
    await loader.stageLanded(landed);
    await load();
    await loader.stage('2024-02-26', other, { feed: 'user_activity_log' });
    await db.pool.query('analyze');
    assert.deepEqual(await namesInDatabase(db.pool), []);
    const texts = await lines(db.pool, `select file from staging.rejected_row where raw <> ''`);
    assert.deepEqual(texts, ['user_activity_log_inc']);
  });

  test('rejected rows and landed files are removed once they are old, by two workers on one disk', async (t) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'landing-'));
    t.after(() => rm(directory, { recursive: true }));
    const landing = new Landing(directory);
    for (const loadDate of ['2024-02-25', '2024-02-26', '2024-02-27']) {
      await loader.load(loadDate, badCsv());
      await (await landing.create({ loadDate, source: 'increment', feed: 'user_order_log' }, 1)).commit();
    }
    const loads = await dump(db.pool, ['file_load']);
    const both = async (retentionMs: number) => {
      const ages = { landingRetentionMs: retentionMs, rejectedRetentionMs: retentionMs, intervalMs: 1 };
      const worker = () =>
        doHousekeeping({ database: db.database, landing: new Landing(directory), ...ages });
      await Promise.all([worker(), worker()]);
      const left = (await readdir(directory)).length;
      return [left, (await kept()).length, await lines(db.pool, 'select files_removed from staging.landing')];
    };
    assert.deepEqual(await both(60_000), [3, 3 * bad.length, ['0']]);
    await sleep(10);
    assert.deepEqual(await both(1), [0, 0, ['3']]);
    assert.equal(await dump(db.pool, ['file_load']), loads, 'the counts stay');
  });

  test('it holds up no load: beside a lock that only it would wait for, and behind one that it waits for', async () => {
    await loader.load('2024-02-25', orders);
    const holder = await db.pool.connect();
    try {
      // As a vacuum or an index that is made concurrently.
      await holder.query('begin; lock table staging.user_order_log in share update exclusive mode');
      await forget(ID);
      await loader.load('2024-02-26', orders);
      await holder.query('commit; begin; lock table mart.d_customer in share row exclusive mode');
      const notes: string[] = [];
      const forgotten = forgetCustomers(db.database, ['2'], COLUMNS_BEHIND_CUSTOMER, (line) =>
        notes.push(line),
      );
      while (notes.length === 0) await loader.stage('2024-02-27', orders);
      assert.match(notes[0] ?? '', /^Waiting for a lock: process \d+ holds it/);
      await holder.query('commit');
      await forgotten;
    } finally {
      holder.release();
    }
    assert.deepEqual(
      await lines(db.pool, 'select count(*) from staging.user_order_log where first_name is not null'),
      ['0'],
    );
  });

  test('a load that runs at the same time brings no name back, wherever it is', async () => {
    for (let round = 1; round <= 8; round += 1) {
      await db.pool.query(`truncate staging.user_order_log, staging.rejected_row, mart.d_customer,
        staging.file_load, staging.forgotten_customer`);
      const csv = badCsv();
      await loader.load('2024-02-25', csv);
      const loading = ['2024-02-25', '2024-02-26', '2024-02-27'].map((date) => loader.load(date, csv));
      await sleep(Math.random() * 60);
      await Promise.all([...loading, forget(ID)]);
      assert.deepEqual(await namesInDatabase(db.pool), [], `round ${round}`);
      assert.deepEqual(await lines(db.pool, `select count(*) from staging.forgotten_customer`), ['1']);
    }
  });

  test('an update of d_customer that has read a name and not written it yet is waited for', async () => {
    await loader.load('2024-02-24', [{ uniq_id: 'x', customer_id: 2 }]);
    await loader.stage('2024-02-25', [{ uniq_id: 'y', customer_id: 2, city_id: 7 }, named({ uniq_id: 'a' })]);
    const waiting = async (count: number) => {
      const query = `select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      while ((await lines(db.pool, query))[0] !== String(count)) await sleep(10);
    };
    const holder = await db.pool.connect();
    await holder.query('begin; select from mart.d_customer where customer_id = 2 for update');
    const updated = loader.updateMart('2024-02-25');
    await waiting(1);
    const forgotten = forget(ID);
    await Promise.race([forgotten, waiting(2)]);
    await holder.query('commit');
    holder.release();
    await Promise.all([updated, forgotten]);
    assert.deepEqual(await namesInDatabase(db.pool), []);
    assert.deepEqual(await customers(), ['2 | Анна | Великая | 7', `${ID} | - | - | 0`]);
  });
});

function lastLine(csv: string): string {
  return csv.trimEnd().split('\n').at(-1) ?? '';
}
