import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { grant } from '../../database/grant.ts';
import { createPool } from '../../database/pool.ts';
import { asAdmin, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { answered, questionsText } from './questions.ts';
import { loadSampleMart } from './sample-mart.ts';

const ANALYST = `analyst_${randomBytes(4).toString('hex')}`;

let db: TestDatabase;
let analyst: pg.Pool;

before(async () => {
  db = await createTestDatabase();
  await asAdmin(`create role ${ANALYST} login password 'x'`);
  await grant(db.database, { worker: undefined, analyst: ANALYST });
  await loadSampleMart(db.database);
  const url = new URL(db.url);
  url.username = ANALYST;
  url.password = 'x';
  analyst = createPool({
    connectionString: url.href,
    applicationName: 'analyst',
    maxConnections: 2,
    onIdleError: () => undefined,
  });
});

after(async () => {
  await analyst.end();
  await db.drop();
  await asAdmin(`drop role ${ANALYST}`);
});

test('every question has the answer that docs/questions.md shows, for the role of an analyst', async () => {
  const text = await questionsText();
  assert.equal(text.match(/^## /gm)?.length, 10);
  assert.equal(text, await answered(analyst), 'renew it: npm run docs');
});
