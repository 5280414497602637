import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../runtime/project-root.ts';
import { databaseFor } from '../support/database.ts';
import { MADE_OF_SCHEMA } from './database-docs.ts';

test('sql/schema.sql and the data dictionary are what the migrations and comments make', async (t) => {
  const { pool } = await databaseFor(t);
  for (const [file, make] of Object.entries(MADE_OF_SCHEMA)) {
    const committed = (await readFile(path.join(projectRoot, file), 'utf8')).replaceAll('\r\n', '\n');
    assert.equal(committed, await make(pool), `renew ${file}: npm run docs`);
  }
});
