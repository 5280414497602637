import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { Database } from '../../database/database.ts';
import { migrate } from '../../database/migrate.ts';
import { dataDictionary } from '../../dev/docs/data-dictionary.ts';
import { formatted, writeDocs } from '../../dev/docs/write-docs.ts';
import { startPostgres } from '../../dev/services/postgres.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { dumpSchema } from '../database/schema-dump.ts';
import { poolTo } from '../support/database.ts';
import { answered, QUESTIONS } from './questions.ts';
import { loadSampleMart } from './sample-mart.ts';

/** The files that are made of a migrated database alone. */
export const MADE_OF_SCHEMA: Readonly<Record<string, (pool: pg.Pool) => Promise<string>>> = {
  'sql/schema.sql': dumpSchema,
  'docs/data-dictionary.md': async (pool) => formatted('docs/data-dictionary.md', await dataDictionary(pool)),
};

/** Writes these, and the answers of docs/questions.md, anew, with a PostgreSQL of its own. */
async function renew(): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'database-docs-'));
  const postgres = await startPostgres({
    dataDir: path.join(directory, 'postgres'),
    logFile: path.join(directory, 'postgres.log'),
    fsync: false,
  });
  const pool = poolTo(await postgres.createApplicationDatabase('database_docs'));
  try {
    await migrate(pool);
    for (const [file, make] of Object.entries(MADE_OF_SCHEMA))
      await writeFile(path.join(projectRoot, file), await make(pool));
    await loadSampleMart(new Database(pool));
    await writeFile(path.join(projectRoot, QUESTIONS), await answered(pool));
  } finally {
    await pool.end();
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** `npm run docs` */
if (process.argv[1] === import.meta.filename) {
  await writeDocs();
  await renew();
}
