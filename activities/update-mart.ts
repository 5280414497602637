import { feedOf, fileName } from '../domain/feeds.ts';
import { stagingLock } from '../pipeline/load/stage-file.ts';
import { updateMart, type MartStep } from '../pipeline/load/update-mart.ts';
import type { DeliveryRef } from '../domain/day.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** One dimension of the mart from what is staged of a delivery: `sql/mart/<dimension>.sql`. */
function updateDimension({ database }: ActivityDependencies, dimension: MartStep) {
  return async (delivery: DeliveryRef): Promise<void> => {
    await database.transaction((session) => updateMart(session, dimension, delivery), cancellation());
  };
}

export const updateDCity = (dependencies: ActivityDependencies) => updateDimension(dependencies, 'd_city');
export const updateDItem = (dependencies: ActivityDependencies) => updateDimension(dependencies, 'd_item');
export const updateDCustomer = (dependencies: ActivityDependencies) =>
  updateDimension(dependencies, 'd_customer');

export interface UpdateFactsRequest {
  delivery: DeliveryRef;
  /** ISO instant of the run's start. */
  startedAt: string;
  /** Files whose absence a person accepted for this day. */
  acceptedMissing: string[];
}

/** The feed that the facts come from. */
const ORDERS = feedOf('user_order_log');

/** The facts, the calendar, retention, and the day's outcome `loaded`, in one transaction. */
export function updateFSales({ database }: ActivityDependencies) {
  return async function updateFSales(request: UpdateFactsRequest): Promise<void> {
    const { delivery, startedAt, acceptedMissing } = request;
    const { workflowId, runId } = currentRun();
    const key = [delivery.loadDate, delivery.kind === 'report'];
    await database.transaction(async (session) => {
      const orderFile = fileName(ORDERS, delivery.kind);
      // The delivery that is recorded is the one that the facts were made of: no other is staged in between.
      await session.lockMart();
      await session.lock(stagingLock(delivery, orderFile));
      await updateMart(session, 'f_sales', delivery);
      await session.run('audit/day_loaded', [
        ...key,
        orderFile,
        acceptedMissing,
        workflowId,
        runId,
        startedAt,
      ]);
    }, cancellation());
  };
}
