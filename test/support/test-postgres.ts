import path from 'node:path';
import { migrateDatabase } from '../../dev/services/migrate-database.ts';
import { startPostgres, type Postgres } from '../../dev/services/postgres.ts';

/** A PostgreSQL for a run of tests, and the URL of the database with the schema that every test copies. */
export async function startTestPostgres(
  directory: string,
  stops: (() => Promise<unknown>)[],
): Promise<{ postgres: Postgres; template: string }> {
  const postgres = await startPostgres({
    dataDir: path.join(directory, 'postgres'),
    logFile: path.join(directory, 'postgres.log'),
    fsync: false,
    // Far from UTC, so that nothing depends on the server's time zone by luck.
    settings: { timezone: 'Asia/Kamchatka', max_connections: '300' },
  });
  stops.push(() => postgres.stop());
  const template = await migrateDatabase(await postgres.createApplicationDatabase('sales_template'));
  return { postgres, template };
}

/** The exit code of a run of node:test, by its own and the end of what it printed: a test that was not run is a failure. */
export function exitCodeOf(code: number | null, tail: string): number {
  const skipped = /^(?:ℹ|#) (?:skipped|todo) [1-9]/m.exec(tail);
  if (skipped) console.error(`A test was not run: ${skipped[0]}`);
  return skipped ? 1 : (code ?? 1);
}
