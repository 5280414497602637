import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { DayResult, DeliveryRef } from '../../domain/day.ts';
import { outcomeSteps } from './activity-options.ts';
import { describe, failureType, finalFailure } from './failures.ts';
import { tell } from './lateness.ts';
import type { Progress } from './run-state.ts';

/** Records that the date has no increment, which is a result and not a failure. */
export async function noIncrement(delivery: DeliveryRef, startedAt: string): Promise<DayResult> {
  const summary = `no increment for ${delivery.loadDate}`;
  await outcomeSteps.recordOutcome.executeWithOptions({ summary }, [
    { delivery, outcome: 'no_increment', startedAt },
  ]);
  return { date: delivery.loadDate, outcome: 'no_increment', files: {}, warnings: [] };
}

/** Records the failure and tells who wants to know; returns what the run ends with. Cancelled runs are recorded too. */
export async function failed(
  delivery: DeliveryRef,
  error: unknown,
  startedAt: string,
  progress: Progress,
): Promise<unknown> {
  const message = describe(error);
  progress.say(`${delivery.loadDate} failed: ${message}`);
  const errorType = isCancellation(error) ? 'Cancelled' : (failureType(error) ?? 'StepTimedOut');
  const unrecorded = await CancellationScope.nonCancellable(async () => {
    const lost = await record(delivery, message, errorType, startedAt);
    const { loadDate } = delivery;
    if (!isCancellation(error))
      await tell(loadDate, { kind: 'failed', loadDate, error: message, errorType }, progress);
    return lost;
  });
  return finalFailure(error, message + unrecorded);
}

/** Returns what is to be added to the error when even this does not work. */
async function record(
  delivery: DeliveryRef,
  error: string,
  errorType: string,
  startedAt: string,
): Promise<string> {
  try {
    const summary = `${delivery.loadDate} failed`;
    await outcomeSteps.recordOutcome.executeWithOptions({ summary }, [
      { delivery, outcome: 'failed', error, errorType, startedAt },
    ]);
    return '';
  } catch (recordError) {
    return ` (This could not be recorded: ${describe(recordError)})`;
  }
}

export function finish(result: DayResult, progress: Progress): DayResult {
  const { date, outcome, joined } = result;
  const what = outcome === 'loaded' ? `${date} is loaded` : `${date} has no increment`;
  progress.say(joined ? `${what}, by workflow ${joined.workflowId}.` : `${what}.`);
  return result;
}
