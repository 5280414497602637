import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../runtime/project-root.ts';
import { createTestDatabase } from '../support/database.ts';
import { MADE_OF_SCHEMA } from './database-docs.ts';

for (const [file, make] of Object.entries(MADE_OF_SCHEMA)) {
  test(`${file} is what the migrations and comments make`, async () => {
    const db = await createTestDatabase();
    try {
      const committed = (await readFile(path.join(projectRoot, file), 'utf8')).replaceAll('\r\n', '\n');
      assert.equal(committed, await make(db.pool), 'renew it: npm run docs');
    } finally {
      await db.drop();
    }
  });
}
