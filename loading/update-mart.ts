import type { Session } from '../database/database.ts';
import type { DeliveryRef } from '../shared/day.ts';

/** The steps that bring the mart up to date with a delivery, in their order. */
export const MART_STEPS = ['d_city', 'd_item', 'd_customer', 'f_sales'] as const;

export type MartStep = (typeof MART_STEPS)[number];

/** Runs one step, `sql/mart/<step>.sql`, under the lock that all changes of the mart take first. */
export async function updateMart(session: Session, step: MartStep, delivery: DeliveryRef): Promise<void> {
  await session.lockMart();
  await session.run(`mart/${step}`, [delivery.loadDate, delivery.kind === 'report']);
  // Facts change retention: its weeks are brought up to date in the same transaction.
  if (step === 'f_sales') await session.run('mart/f_customer_retention');
}
