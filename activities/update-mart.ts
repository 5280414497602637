import type { Delivery } from '../domain/feeds.ts';
import { recordLoaded, type Loaded, type LoadedRequest } from '../pipeline/load/outcome.ts';

import { DIMENSIONS, updateDimension, updateFacts } from '../pipeline/load/update-mart.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, deliveryInput, loadedInput } from '../domain/inputs.ts';

export type { Loaded };

/** d_city, d_item and d_customer, each in a transaction of its own. */
export function updateDimensions({ database }: ActivityDependencies) {
  return async function updateDimensions(delivery: Delivery): Promise<void> {
    const checked = checkedInput(deliveryInput, delivery);
    for (const dimension of DIMENSIONS) await updateDimension(database, dimension, checked, cancellation());
  };
}

/**
 * The facts, the calendar, retention, and the outcome of the date, in one transaction.
 */
export function updateFSales({ database }: ActivityDependencies) {
  return async function updateFSales(delivery: Delivery, request: LoadedRequest): Promise<Loaded> {
    const checked = checkedInput(deliveryInput, delivery);
    const loaded = checkedInput(loadedInput, request);
    return await database.transaction(async (session) => {
      await updateFacts(session, checked);
      return await recordLoaded(session, checked, loaded, currentRun());
    }, cancellation());
  };
}
