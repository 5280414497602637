import { test } from 'node:test';
import { createTestDatabase } from '../support/database.ts';
import { client } from '../support/processes.ts';
import { fillMart } from './sample-mart.ts';
test('x', async () => { const db = await createTestDatabase(); await fillMart(db); console.log(await client(['report','--out','/tmp/rep/r.html'], {DATABASE_URL: db.url}));
console.log(await client(['report','--out','/tmp/rep/r3.html','--from','2022-06-01','--to','2024-12-31'], {DATABASE_URL: db.url}));
 await db.drop(); });
