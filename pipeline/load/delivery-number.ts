import type { Database } from '../../database/database.ts';

/** Draws the next delivery number. Whatever is asked after this is newer than what had a number before. */
export async function nextDeliveryNumber(database: Database, signal?: AbortSignal): Promise<number> {
  const { delivery_number } = await database.one<{ delivery_number: number }>(
    'staging/next_delivery_number',
    [1],
    signal,
  );
  return delivery_number;
}
