import { distribute } from '../../database/distribute.ts';
import { grant, type Grantees } from '../../database/grant.ts';
import { migrate as applyMigrations } from '../../database/migrate.ts';
import { withDatabase } from '../database.ts';
import type { Output } from '../output.ts';

/**
 * `client migrate`: migrates the schema to the newest version, distributes it where that is wanted, and grants roles
 * what they need of it.
 */
export async function migrate(
  { distributed, ...grantees }: Grantees & { distributed: boolean },
  output: Output,
): Promise<void> {
  const { version, applied } = await withDatabase(async (database) => {
    const result = await applyMigrations(database.pool, Infinity, (line) => output.note(line));
    if (distributed) await distribute(database);
    await grant(database, grantees);
    return result;
  });
  output.result({ version, applied }, () =>
    applied.length === 0
      ? `The schema is already at version ${version}.`
      : `The schema is now at version ${version}; applied ${applied.join(', ')}.`,
  );
}
