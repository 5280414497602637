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
import type { salesAlert } from '../sales-alert.ts';
import type { Run } from './run.ts';

/** Runs `work`; when it has not ended LATE_AFTER after the run's start, an alert is sent once. */
export async function alertWhenLate<T>(run: Run, work: () => Promise<T>): Promise<T> {
  const { checkpoint, options, loadDate } = run;
  const { lateAfterMs } = options;
  if (lateAfterMs <= 0 || !run.sendsAlerts || checkpoint.lateAlertSent) return await work();
  const left = Date.parse(checkpoint.startedAt) + lateAfterMs - Date.now();
  const scope = new CancellationScope();
  const watching = scope.run(async () => {
    if (left > 0) await sleep(left, { summary: `until ${loadDate} is late` });
    const error = `${loadDate} is not loaded after ${formatDuration(lateAfterMs)} (LATE_AFTER). ${run.progress.currentStep}`;
    await CancellationScope.nonCancellable(() => sendAlert(run, { kind: 'late', error }));
    checkpoint.lateAlertSent = true;
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
  const { loadDate } = run;
  await startChild<typeof salesAlert>('salesAlert', {
    // Not by the run id, which is another one when a reset run replays this.
    workflowId: `${workflowId}-alert-${alert.kind}-${uuid4().slice(0, 8)}`,
    args: [{ ...alert, loadDate, run: { workflowId, runId } }],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `${loadDate}: ${alert.kind}`,
  });
}
