import type { Idle } from '../../activities/claim-day.ts';
import type { DayResult } from '../../domain/day.ts';
import { steps } from './activities.ts';
import { sendAlert } from './alerts.ts';
import type { Run } from './run.ts';

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;
/** A run whose work nobody takes for so long makes no progress (contract, ruling 59). */
const BLOCKED_AFTER_MS = 10 * 60_000;

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
  const { checkpoint, title } = run;
  const summary = title;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, MAX_WAIT_MS)) {
    const taken = await steps.claimDay.executeWithOptions({ summary }, [
      { claim, files },
      checkpoint.waitedFor,
    ]);
    if (taken.state === 'claimed') {
      run.raiseNumber(taken.number);
      return undefined;
    }
    if (taken.state === 'done') return taken.result;
    checkpoint.waitedFor = taken.holder;
    const holder = `workflow ${taken.holder.workflowId}`;
    const blocked = blockedBy(taken.idle);
    const waiting = `Waiting for ${holder}, which is loading ${title} already. ${blocked ?? ''}`.trim();
    run.progress.update(waiting);
    if (blocked !== undefined && !checkpoint.blockedAlertSent) {
      checkpoint.blockedAlertSent = true;
      await sendAlert(run, { kind: 'blocked', error: waiting });
    }
    await run.wait(wait, `until ${holder} has loaded ${title}`);
  }
}

/** Undefined while the other run can make progress. */
function blockedBy(idle: Idle | undefined): string | undefined {
  const idleMs = idle === undefined ? 0 : Date.now() - Date.parse(idle.since);
  if (idle === undefined || idleMs < BLOCKED_AFTER_MS) return undefined;
  return (
    `It makes no progress: no worker has polled its task queue "${idle.taskQueue}" for ${Math.floor(idleMs / 60_000)} minutes. ` +
    'Start one there, or terminate that workflow, and this run takes over.'
  );
}
