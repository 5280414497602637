import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { Alert } from '../../domain/day.ts';
import { formatDuration } from '../../domain/durations.ts';
import { alertSteps } from './activity-options.ts';
import { describe } from './failures.ts';
import type { Progress } from './run-state.ts';

/**
 * Runs `work`; when it has not ended after `lateAfterMs` (0: never), somebody is told once. Neither the timer nor
 * a message that cannot be sent changes what becomes of the work.
 */
export async function toldWhenLate<T>(
  loadDate: string,
  lateAfterMs: number,
  progress: Progress,
  work: () => Promise<T>,
): Promise<T> {
  if (lateAfterMs <= 0) return await work();
  const watch = new CancellationScope();
  const watching = watch.run(async () => {
    await sleep(lateAfterMs, { summary: `until ${loadDate} is late` });
    const error = `${loadDate} is not loaded after ${formatDuration(lateAfterMs)} (LATE_AFTER). ${progress.doing}`;
    await tell(loadDate, { kind: 'late', loadDate, error }, progress);
  });
  const ended = watching.catch((error: unknown) => {
    if (!isCancellation(error)) throw error;
  });
  try {
    return await work();
  } finally {
    watch.cancel();
    await CancellationScope.nonCancellable(() => ended);
  }
}

/** Tells somebody; that it could not be sent is shown, and changes nothing. */
export async function tell(loadDate: string, alert: Alert, progress: Progress): Promise<void> {
  try {
    await alertSteps.sendAlert.executeWithOptions({ summary: `${loadDate}: ${alert.kind}` }, [alert]);
  } catch (error) {
    if (isCancellation(error)) throw error;
    progress.say(`${progress.doing} (Nobody could be told: ${describe(error)})`);
  }
}
