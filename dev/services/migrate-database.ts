import { migrate } from '../../database/migrate.ts';
import { createPool } from '../../database/pool.ts';

/** Brings a database to the newest schema; returns its URL. */
export async function migrateDatabase(url: string): Promise<string> {
  const pool = createPool({
    connectionString: url,
    applicationName: 'migrate',
    maxConnections: 1,
    onIdleError: console.error,
  });
  await migrate(pool).finally(() => pool.end());
  return url;
}
