import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lines, Loader } from '../database/support.ts';
import { databaseFor, openDatabase } from '../support/database.ts';
import { dump } from '../support/dump.ts';
import { Proxy } from './proxy.ts';
import { FROM, ordersOf } from './range.ts';

/** What a load writes, by transaction. */
const TRANSACTIONS = [
  ['user_order_log', 'rejected_row', 'file_load'],
  ['d_city'],
  ['d_item'],
  ['d_customer'],
  ['f_sales', 'd_calendar', 'f_customer_retention', 'f_customer_retention_by_item', 'day_load'],
];
const LANDED = `select (select count(*) from staging.landed_file),
  (select count(*) from staging.incoming_user_order_log), (select count(*) from staging.incoming_rejected)`;

/** So many rows that their COPY is more than one message. */
const ORDERS = 2_000;

test('a load that is cut before each message to the server, and after each commit, leaves the old or the new', async (t) => {
  const db = await databaseFor(t);
  const proxy = await Proxy.start(db.url);
  t.after(() => proxy.close());
  const cut = openDatabase(proxy.through(db.url), 1);
  t.after(() => cut.pool.end());
  const written = () => Promise.all(TRANSACTIONS.map((tables) => dump(db.pool, tables)));
  const load = (loader: Loader, version: number) => loader.load(FROM, ordersOf(version, ORDERS));

  const versions: string[][] = [];
  // Each twice, so that both have met the customers of both.
  for (const version of [0, 1, 0, 1]) {
    await load(new Loader(db.database), version);
    versions[version] = await written();
  }
  const aims = [
    { text: '', fault: 'cut before', version: 0, leastTimes: 40 },
    // With the end of the message, since "on commit drop" is no commit.
    { text: 'commit\0', fault: 'cut after', version: 1, leastTimes: 6 },
  ] as const;
  for (const { version, leastTimes, ...aim } of aims) {
    const hits: number[] = [];
    let failure: string | undefined;
    let times = 0;
    do {
      const skip = times;
      void proxy.aim({ ...aim, skip }).then(() => hits.push(skip));
      failure = await load(new Loader(cut), version).then(
        () => undefined,
        (error: unknown) => (error as { type?: string }).type ?? String(error),
      );
      assert.equal(failure, hits.includes(skip) ? 'DatabaseUnavailable' : undefined);
      for (const [index, now] of (await written()).entries())
        assert.ok(
          versions.some((one) => one[index] === now),
          `${aim.fault} message ${times}: half of ${TRANSACTIONS[index]?.join()}`,
        );
      times += 1;
    } while (failure !== undefined);
    proxy.disarm();
    assert.ok(times > leastTimes, `${aim.fault}: ${times} times`);
    assert.deepEqual(await written(), versions[version]);
  }
  assert.deepEqual(await lines(db.pool, LANDED), ['0 | 0 | 0'], 'no landed row is left');
});

test('an acknowledged commit holds over a crash of the server, whatever the server thinks of it', async (t) => {
  // The default of the server of the tests is `off`: it acknowledges first and writes later.
  const { database } = await databaseFor(t);
  const shown = await database.transaction((session) => session.query('show synchronous_commit'));
  assert.deepEqual(shown.rows, [{ synchronous_commit: 'on' }]);
});

test('a transaction in which a statement has failed never counts as committed', async (t) => {
  const { database } = await databaseFor(t);
  const swallowing = database.transaction(async (session) => {
    await session.query('select 1 / 0').catch(() => undefined);
  });
  await assert.rejects(swallowing, { type: 'DatabaseUnavailable' });
});
