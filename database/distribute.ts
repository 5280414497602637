import type { Database } from './database.ts';
import { UnsuitableDatabase } from './migrate.ts';

/**
 * Spreads staging and mart over the nodes of a Citus cluster, unless they are: `sql/distribute.sql`. Throws
 * `UnsuitableDatabase`.
 */
export async function distribute(database: Database): Promise<void> {
  await database.transaction(async (session) => {
    const extension = await session.query(`select from pg_extension where extname = 'citus'`);
    if (extension.rowCount === 0) {
      throw new UnsuitableDatabase(
        'The database is not the coordinator of a Citus cluster. Create the extension citus in it, or leave out --distribute.',
      );
    }
    const distributed = await session.query(
      `select from pg_dist_partition where logicalrelid = 'mart.f_sales'::regclass`,
    );
    if (distributed.rowCount === 0) await session.execute('distribute');
  });
}
