import type { Database, Session } from '../../database/database.ts';
import { martLock, NAMES_LOCK, stagingLock } from '../../database/locks.ts';
import { sql } from '../../database/sql.ts';
import { fileName, ORDERS, type Delivery } from '../../domain/feeds.ts';
import { deliveryKey } from './delivery-key.ts';

export const DIMENSIONS = ['d_city', 'd_item', 'd_customer'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Brings one dimension up to date with a delivery. */
export async function updateDimension(
  database: Database,
  dimension: Dimension,
  delivery: Delivery,
  signal?: AbortSignal,
): Promise<void> {
  await database.transaction(async (session) => {
    await session.lock(martLock(dimension));
    if (dimension !== 'd_customer') {
      const names = sql('mart/names').replaceAll('{of}', dimension.slice('d_'.length));
      await session.query(names, deliveryKey(delivery));
      return;
    }
    await session.lockShared(NAMES_LOCK);
    const values = [...deliveryKey(delivery), orderFile(delivery)];
    await session.run('mart/missing_customers', values);
    await session.run('mart/d_customer', values);
  }, signal);
}

function orderFile({ source }: Delivery): string {
  return fileName({ feed: ORDERS, source });
}

/**
 * Brings the facts and the calendar up to date with a delivery. No other version of the delivery's orders is staged until
 * the transaction ends.
 */
export async function updateFacts(session: Session, delivery: Delivery): Promise<void> {
  await session.lock(martLock('f_sales'));
  await session.lock(stagingLock(delivery.loadDate, orderFile(delivery)));
  const key = deliveryKey(delivery);
  const [back] = await session.run<Pick<DatesOfFacts, 'gained'> & object>('mart/missing_facts', key);
  const [changed] = await session.run<DatesOfFacts & object>('mart/f_sales', key);
  const gained = [...(back?.gained ?? []), ...(changed?.gained ?? [])];
  const lost = changed?.lost ?? [];
  if (gained.length + lost.length > 0) await session.run('mart/d_calendar', [gained, lost]);
}

/** Dates (yyyymmdd) that the calendar gains, and that facts have left. */
interface DatesOfFacts {
  gained: number[];
  lost: number[];
}
