import type { Database } from '../../database/database.ts';

/** Draws the next delivery number. Whatever is asked after this is newer than what had a number before. */
export async function nextDeliveryNumber(database: Database, signal?: AbortSignal): Promise<number> {
  const [row] = await database.query<{ delivery_number: number }>(
    'staging/next_delivery_number',
    [1],
    signal,
  );
  if (!row) throw new Error('sql/staging/next_delivery_number.sql returned no row.');
  return row.delivery_number;
}
