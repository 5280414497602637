import type { Delivery } from '../domain/feeds.ts';
import { recordLoaded, type Loaded, type LoadedRequest } from '../pipeline/load/outcome.ts';

import { updateDimension, updateFacts, type Dimension } from '../pipeline/load/update-mart.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, deliveryInput, loadedInput } from './inputs.ts';

export type { Loaded };

function dimensionStep({ database }: ActivityDependencies, dimension: Dimension) {
  return async (delivery: Delivery): Promise<void> =>
    await updateDimension(database, dimension, checkedInput(deliveryInput, delivery), cancellation());
}

export const updateDCity = (dependencies: ActivityDependencies) => dimensionStep(dependencies, 'd_city');
export const updateDItem = (dependencies: ActivityDependencies) => dimensionStep(dependencies, 'd_item');
export const updateDCustomer = (dependencies: ActivityDependencies) =>
  dimensionStep(dependencies, 'd_customer');

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
