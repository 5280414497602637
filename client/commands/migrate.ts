import { migrate as applyMigrations } from '../../database/migrate.ts';
import { withDatabase } from '../database.ts';
import type { Output } from '../output.ts';

/** `client migrate`: migrates the schema to the newest version. */
export async function migrate(output: Output): Promise<void> {
  const { version, applied } = await withDatabase(({ pool }) =>
    applyMigrations(pool, Infinity, (line) => output.note(line)),
  );
  output.result({ version, applied }, () =>
    applied.length === 0
      ? `The schema is already at version ${version}.`
      : `The schema is now at version ${version}; applied ${applied.join(', ')}.`,
  );
}
