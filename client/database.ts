import { readSettings } from '../runtime/settings.ts';
import { Database } from '../database/database.ts';
import { createPool } from '../database/pool.ts';

/** Opens the database for one command, and always closes it. */
export async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const { DATABASE_URL } = readSettings(process.env, ['DATABASE_URL']);
  const pool = createPool({
    connectionString: DATABASE_URL,
    applicationName: 'sales-increment client',
    maxConnections: 3,
    onIdleError: () => undefined,
    onWarning: (message) => process.stderr.write(`${message}\n`),
  });
  try {
    return await work(new Database(pool));
  } finally {
    await pool.end();
  }
}
