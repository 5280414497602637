import type { Database, Session } from '../../database/database.ts';
import { martLock, NAMES_LOCK, stagingLock } from '../../database/locks.ts';
import { fileName, ORDERS, type Delivery } from '../../domain/feeds.ts';
import { deliveryKey } from './delivery-key.ts';

export type Dimension = 'd_city' | 'd_item' | 'd_customer';

/** Brings one dimension up to date with a delivery: `sql/mart/<dimension>.sql`. */
export async function updateDimension(
  database: Database,
  dimension: Dimension,
  delivery: Delivery,
  signal?: AbortSignal,
): Promise<void> {
  await database.transaction(async (session) => {
    await session.lock(martLock(dimension));
    if (dimension === 'd_customer') await session.lockShared(NAMES_LOCK);
    await session.run(`mart/${dimension}`, deliveryKey(delivery));
  }, signal);
}

/**
 * Brings the facts up to date with a delivery, and what follows from them: the calendar and retention. No other version
 * of the delivery's orders is staged until the transaction ends.
 */
export async function updateFacts(session: Session, delivery: Delivery): Promise<void> {
  await session.lock(martLock('f_sales'));
  await session.lock(stagingLock(delivery.loadDate, fileName({ feed: ORDERS, source: delivery.source })));
  await session.execute('mart/change_tables');
  await session.run('mart/fact_change', deliveryKey(delivery));
  await session.execute('mart/customer_week');
  await session.run('mart/retention', [-1]);
  await session.execute('mart/f_sales');
  await session.execute('mart/d_calendar');
  await session.execute('mart/stale_customer_week');
  await session.run('mart/retention', [1]);
}
