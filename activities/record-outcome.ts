import type { z } from 'zod';
import type { Delivery } from '../domain/feeds.ts';
import {
  openDaysBefore,
  recordFailed,
  recordNoIncrement,
  type OpenDays,
  type OutcomeRequest,
} from '../pipeline/load/outcome.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, deliveryInput, failedInput, outcomeInput } from '../domain/inputs.ts';

export type FailedRequest = z.infer<typeof failedInput>;

/** Records that a delivery failed. */
export function recordFailure({ database }: ActivityDependencies) {
  return async function recordFailure(delivery: Delivery, request: FailedRequest): Promise<void> {
    await recordFailed(
      database,
      checkedInput(deliveryInput, delivery),
      checkedInput(failedInput, request),
      currentRun(),
      cancellation(),
    );
  };
}

/** Records that the API has no increment for a date; the outcome is `loaded` where it was loaded before. */
export function recordNotFound({ database }: ActivityDependencies) {
  return async function recordNotFound(delivery: Delivery, request: OutcomeRequest) {
    const { loadDate } = checkedInput(deliveryInput, delivery);
    const outcome = checkedInput(outcomeInput, request);
    return await recordNoIncrement(database, loadDate, outcome, currentRun(), cancellation());
  };
}

/** Which days before a date are still open, for the daily run to point out. */
export function findOpenDays({ database }: ActivityDependencies) {
  return async function findOpenDays(delivery: Delivery): Promise<OpenDays> {
    return await openDaysBefore(database, checkedInput(deliveryInput, delivery).loadDate, cancellation());
  };
}
