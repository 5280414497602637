import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import type pg from 'pg';
import { updateComments } from '../../database/comments.ts';
import { Database, type Session } from '../../database/database.ts';
import { forgetCustomers } from '../../database/forget.ts';
import { grant } from '../../database/grant.ts';
import { repair, verify } from '../../database/verify.ts';
import { COLUMNS_BEHIND_CUSTOMER } from '../../domain/feeds.ts';
import { Loader } from '../database/support.ts';
import { asAdmin, createTestDatabase, poolTo, urlAs } from '../support/database.ts';
import { answered, answerTo, questions, questionsText } from './questions.ts';
import { loadDay, loadSampleMart, NOT_LOADED, SMALL_DAY } from './sample-mart.ts';

const ANALYST = `analyst_${randomBytes(4).toString('hex')}`;
/** Who waits for a lock at all has lost: what it is held by ends after the question, or before it. */
const LOCK_TIMEOUT_MS = 500;
const LOCK_NOT_AVAILABLE = '55P03';

const QUESTIONS = await questions();
const db = await createTestDatabase();
await asAdmin(
  `create role ${ANALYST} login password 'x'; alter role ${ANALYST} set lock_timeout = ${LOCK_TIMEOUT_MS}`,
);
const analyst = poolTo(urlAs(ANALYST, db.url));
after(async () => {
  await analyst.end();
  await db.drop();
  await asAdmin(`drop role ${ANALYST}`);
});
await grant(db.database, { worker: undefined, analyst: ANALYST });
await loadSampleMart(db.database);

test('every question has the answer that docs/questions.md shows, for the role of an analyst', async () => {
  const text = await questionsText();
  assert.equal(text.match(/^## /gm)?.length, 10);
  assert.equal(QUESTIONS.length, 10);
  assert.equal(text, await answered(analyst), 'renew it: npm run docs');
});

test('no question waits for a load, forget or verify, at the end of any of their transactions', async () => {
  let transactions = 0;
  const database = held(db.pool, {
    atEnd: async () => {
      transactions += 1;
      await askAll(analyst);
    },
  });
  const before = await askAll(analyst);
  await doEverything(database, SMALL_DAY);
  assert.ok(transactions >= 26, `${transactions} transactions`);
  assert.notDeepEqual(await askAll(analyst), before);
  // The test notices one that waits.
  const locked = database.transaction((session) => session.query('lock table mart.d_item'));
  await assert.rejects(locked, { code: LOCK_NOT_AVAILABLE });
});

test('an open transaction of an analyst makes no load, forget, verify or renewed comment wait', async () => {
  const client = await analyst.connect();
  try {
    await client.query('begin isolation level repeatable read');
    const before = await askAll(client);
    await db.pool.query(
      `comment on table mart.f_sales is 'By hand.'; comment on table staging.file_load is null`,
    );
    const impatient = held(db.pool, {
      atStart: (session) => session.run('lock_timeout', [String(LOCK_TIMEOUT_MS)]),
    });
    await doEverything(impatient, NOT_LOADED);
    await impatient.transaction(updateComments);
    assert.deepEqual(await askAll(client), before);
    await client.query('commit');
    assert.notDeepEqual(await askAll(client), before);
  } finally {
    client.release();
  }
});

async function askAll(pool: Pick<pg.Pool, 'query'>): Promise<string[]> {
  const answers: string[] = [];
  for (const question of QUESTIONS) answers.push(await answerTo(pool, question));
  return answers;
}

/** Loads a day anew, forgets a customer, and mends a mart in which every kind of thing was damaged by hand. */
async function doEverything(database: Database, date: string): Promise<void> {
  await loadDay(new Loader(database), date);
  const { rows } = await db.pool.query<{ customer_id: string }>(
    `select customer_id from mart.d_customer where first_name is not null order by customer_id limit 1`,
  );
  const ids = rows.map(({ customer_id }) => customer_id);
  const [forgotten] = await forgetCustomers(database, ids, COLUMNS_BEHIND_CUSTOMER, () => undefined);
  assert.equal(forgotten?.mart_rows, 1);
  await db.pool.query(DAMAGE);
  const found = await verify(database, {}, () => undefined);
  assert.deepEqual(
    [...new Set(found.map(({ table }) => table))].filter((table) => !table.includes('retention')),
    ['mart.f_sales', 'mart.d_calendar', 'mart.d_city', 'mart.d_item', 'mart.d_customer', ...AUDIT],
  );
  await repair(database, found, {}, () => undefined);
  assert.deepEqual(await verify(database, {}, () => undefined), []);
}

const AUDIT = ['staging.day_load.revenue', 'staging.file_load.mart_delivery_number'];
const DAMAGE = `
  delete from mart.f_sales where date_id = 20240305;
  delete from mart.d_calendar where date_id = 20240306;
  delete from mart.d_city where city_id = 1;
  delete from mart.d_item where item_id = 1;
  update mart.d_customer set city_id = 9 where customer_id % 2 = 0;
  update staging.day_load set revenue = 0 where load_date = '2024-03-06';
  update staging.file_load set mart_delivery_number = 0
  where load_date = '2024-03-07' and file = 'user_order_log_inc'`;

interface Hooks {
  atStart?: (session: Session) => Promise<unknown>;
  /** When the transaction holds all its locks, before its commit. */
  atEnd?: () => Promise<void>;
}

/** A database whose transactions do something more. */
function held(pool: pg.Pool, { atStart, atEnd }: Hooks): Database {
  const database = new Database(pool);
  const transaction = database.transaction.bind(database);
  database.transaction = async (work, ...options) =>
    await transaction(
      async (session) => {
        await atStart?.(session);
        const result = await work(session);
        await atEnd?.();
        return result;
      },
      ...options,
    );
  return database;
}
