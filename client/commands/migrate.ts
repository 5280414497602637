import { migrate as applyMigrations } from '../../database/migrate.ts';
import { databaseFailure } from '../../database/database-failure.ts';
import { withDatabase } from '../database.ts';
import type { Output } from '../output.ts';

/** `client migrate`: brings the schema to the newest version. */
export async function migrate(output: Output): Promise<void> {
  const { version, applied } = await withDatabase(async (database) => {
    try {
      return await applyMigrations(database.pool);
    } catch (error) {
      throw (error as { name?: unknown }).name === 'SchemaMismatch' ? error : databaseFailure(error);
    }
  });
  output.result({ version, applied }, () =>
    applied.length === 0
      ? `The schema is at version ${version} already.`
      : `The schema is at version ${version} now; applied ${applied.join(', ')}.`,
  );
}
