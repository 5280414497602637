import pg from 'pg';
import type { Database } from './database.ts';
import { sql } from './sql.ts';

/** Roles that exist, by what they are for. */
export interface Grantees {
  worker: string | undefined;
  analyst: string | undefined;
}

/** Grants each role what `sql/roles/` has for it. Only the owner of the schema may. */
export async function grant(database: Database, grantees: Grantees): Promise<void> {
  await database.transaction(async (session) => {
    for (const kind of ['worker', 'analyst'] as const) {
      const role = grantees[kind];
      if (role === undefined) continue;
      // The placeholder is psql's, so that the files run there as well.
      await session.query(sql(`roles/${kind}`).replaceAll(':"role"', pg.escapeIdentifier(role)));
    }
  });
}
