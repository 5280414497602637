import type { DeliveryRef } from '../domain/day.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface OutcomeRequest {
  delivery: DeliveryRef;
  outcome: 'no_increment' | 'failed';
  error?: string;
  /** The failure's type in `domain/failures.ts`. */
  errorType?: string;
  /** ISO instant of the run's start. */
  startedAt: string;
}

/** Records a day that did not load; the outcome `loaded` is recorded with the facts. */
export function recordOutcome({ database }: ActivityDependencies) {
  return async function recordOutcome(request: OutcomeRequest): Promise<void> {
    const { delivery, outcome, error, errorType, startedAt } = request;
    const { workflowId, runId } = currentRun();
    await database.query(
      'audit/day_load',
      [
        delivery.loadDate,
        delivery.kind === 'report',
        outcome,
        error?.replaceAll('\0', '\u2400') ?? null,
        errorType ?? null,
        workflowId,
        runId,
        startedAt,
      ],
      cancellation(),
    );
  };
}
