import {
  CancellationScope,
  isCancellation,
  ParentClosePolicy,
  sleep,
  startChild,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { Alert } from '../../domain/day.ts';
import { formatDuration } from '../../domain/durations.ts';
import { childIds } from '../../domain/workflow-ids.ts';
import type { salesAlert } from '../sales-alert.ts';
import { scheduledAt } from './due-at.ts';
import type { Run } from './run.ts';

/** An alert that comes longer after its time is about an outage, or a reset of the run, and not about the day. */
const OUTAGE_MS = 60_000;
/** How long a run that comes back from that has before it is late after all. */
const GRACE_MS = 10 * 60_000;

/**
 * Runs `work`; when it has not ended LATE_AFTER after the run's start, an alert is sent once. A run that is over that time
 * because it was reset, or comes back from an outage, first has some minutes to end (contract, ruling 45).
 */
export async function alertWhenLate<T>(run: Run, work: () => Promise<T>): Promise<T> {
  const { checkpoint, options, loadDate } = run;
  const { lateAfterMs } = options;
  if (lateAfterMs <= 0 || !run.sendsAlerts || checkpoint.lateAlertSent) return await work();
  const scope = new CancellationScope();
  const watching = scope.run(async () => {
    for (let due = Date.parse(checkpoint.startedAt) + lateAfterMs; ;) {
      const left = due - Date.now();
      if (left > 0) await sleep(left, { summary: `until ${loadDate} is late` });
      if (Date.now() - due <= OUTAGE_MS) break;
      due = Date.now() + Math.min(lateAfterMs, GRACE_MS);
    }
    // First: a run that continues as new while the message is being sent must not send it again.
    checkpoint.lateAlertSent = true;
    const error = `The run has taken longer than ${formatDuration(lateAfterMs)} (LATE_AFTER). ${run.progress.currentStep}`;
    await CancellationScope.nonCancellable(() => sendAlert(run, { kind: 'late', error }));
  });
  const ended = watching.catch((error: unknown) => {
    if (!isCancellation(error)) throw error;
  });
  try {
    return await work();
  } finally {
    scope.cancel();
    await CancellationScope.nonCancellable(() => ended);
  }
}

/** Leaves the message to a workflow of its own, which goes on when this one has ended. */
export async function sendAlert(run: Run, alert: Pick<Alert, 'kind' | 'error' | 'errorType'>): Promise<void> {
  if (!run.sendsAlerts) return;
  const { workflowId, runId } = workflowInfo();
  const due = run.source === 'increment' ? scheduledAt() : undefined;
  const about = run.hasLoadDate ? { loadDate: run.loadDate } : due === undefined ? {} : { due };
  await startChild<typeof salesAlert>('salesAlert', {
    // Not by the run id, which is another one when a reset run replays this.
    workflowId: childIds(workflowId).alert(alert.kind, uuid4().slice(0, 8)),
    args: [{ ...alert, ...about, run: { workflowId, runId } }],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `${run.title}: ${alert.kind}`,
  });
}
