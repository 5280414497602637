import type { Session } from '../../database/database.ts';
import type { DeliveryRef } from '../../domain/day.ts';

/** The steps that bring the mart up to date with a delivery, in their order. */
export const MART_STEPS = ['d_city', 'd_item', 'd_customer', 'f_sales'] as const;

export type MartStep = (typeof MART_STEPS)[number];

/** Runs one step, `sql/mart/<step>.sql`, under the lock that all changes of the mart take first. */
export async function updateMart(session: Session, step: MartStep, delivery: DeliveryRef): Promise<void> {
  const key = [delivery.loadDate, delivery.kind === 'report'];
  await session.lockMart();
  if (step === 'f_sales') await updateFacts(session, key);
  else await session.run(`mart/${step}`, key);
}

/** The facts, and what follows from them: the calendar and retention. */
async function updateFacts(session: Session, key: unknown[]): Promise<void> {
  await session.execute('mart/fact_change_table');
  await session.run('mart/fact_change', key);
  await session.client.query('analyze fact_change (facts, date_id, customer_id)');
  await session.execute('mart/f_sales');
  await session.execute('mart/d_calendar');
  await session.execute('mart/f_customer_retention');
  await session.execute('mart/retention_stale_week');
}
