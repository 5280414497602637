import type { RunRef } from '../../activities/dependencies.ts';
import type { DayResult, DeliveryRef } from '../../domain/day.ts';
import { databaseSteps } from './activity-options.ts';
import type { Progress } from './run-state.ts';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/**
 * Waits until no other run is loading the same date. Returns that run's result when it has loaded the date
 * meanwhile, so that a date started twice is loaded once.
 */
export async function claimDay(delivery: DeliveryRef, progress: Progress): Promise<DayResult | undefined> {
  let waitedFor: RunRef | undefined;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    const summary = `${delivery.loadDate} for this run alone`;
    const claim = await databaseSteps.claimDay.executeWithOptions({ summary }, [delivery, waitedFor]);
    if (claim.state === 'claimed') return undefined;
    if (claim.state === 'done') return claim.result;
    waitedFor = claim.holder;
    const holder = `workflow ${waitedFor.workflowId}`;
    progress.say(`Waiting for ${holder}, which is loading ${delivery.loadDate} already.`);
    await progress.wait(wait, `until ${holder} has loaded ${delivery.loadDate}`);
  }
}
