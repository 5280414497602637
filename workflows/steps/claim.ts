import type { Holder } from '../../activities/claim-day.ts';
import type { DayResult } from '../../domain/day.ts';
import { steps } from './activities.ts';
import type { Run } from './run.ts';

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;

/**
 * Waits until no other run is loading the same. Returns that run's result when it has loaded the whole date
 * meanwhile, so that a date started twice is loaded once.
 * @param claim a load date, or `history`
 * @param files the only files that the run is about; absent: all
 */
export async function waitForClaim(
  run: Run,
  claim: string,
  files?: string[],
): Promise<DayResult | undefined> {
  const summary = run.title;
  let waitedFor: Holder | undefined;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, MAX_WAIT_MS)) {
    const taken = await steps.claimDay.executeWithOptions({ summary }, [{ claim, files }, waitedFor]);
    if (taken.state === 'claimed') {
      run.rests(taken.number);
      return undefined;
    }
    if (taken.state === 'done') return taken.result;
    waitedFor = taken.holder;
    const holder = `workflow ${waitedFor.workflowId}`;
    run.progress.update(`Waiting for ${holder}, which is loading ${run.title} already.`);
    await run.wait(wait, `until ${holder} has loaded ${run.title}`);
  }
}
