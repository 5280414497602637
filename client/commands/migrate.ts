import { distribute } from '../../database/distribute.ts';
import { grant } from '../../database/grant.ts';
import { migrate as applyMigrations } from '../../database/migrate.ts';
import { withDatabase } from '../database.ts';
import type { Output } from '../output.ts';

interface MigrateOptions {
  workerRole?: string;
  analystRole?: string;
  distribute: boolean;
}

/**
 * `client migrate`: migrates the schema to the newest version, distributes it where that is wanted, and grants roles
 * what they need of it.
 */
export async function migrate(
  { workerRole, analystRole, distribute: isWanted }: MigrateOptions,
  output: Output,
): Promise<void> {
  const { version, applied } = await withDatabase(async (database) => {
    const result = await applyMigrations(database.pool, Infinity, output.note);
    if (isWanted) await distribute(database);
    await grant(database, { worker: workerRole, analyst: analystRole });
    return result;
  });
  output.result({ version, applied }, () =>
    applied.length === 0
      ? `The schema is already at version ${version}.`
      : `The schema is now at version ${version}; applied ${applied.join(', ')}.`,
  );
}
