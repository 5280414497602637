import type { DayResult, DeliveryRef } from '../domain/day.ts';
import type { SalesIncrementInput } from './inputs.ts';
import { claimDay } from './steps/claim.ts';
import { describe } from './steps/failures.ts';
import { FileWait } from './steps/files.ts';
import { toldWhenLate } from './steps/lateness.ts';
import { filesNotLanded, loadDelivery } from './steps/load.ts';
import { AcceptedFiles, handleMessages } from './steps/messages.ts';
import { failed, finish, noIncrement } from './steps/outcome.ts';
import { planRun } from './steps/plan.ts';
import { waitForReport } from './steps/report.ts';
import { Progress } from './steps/run-state.ts';
import { Tags } from './steps/tags.ts';

/** Loads one day: report, wait, increment, files, staging, mart. */
export async function salesIncrement(input: SalesIncrementInput = {}): Promise<DayResult> {
  const startedAt = new Date().toISOString();
  const progress = new Progress();
  const accepted = new AcceptedFiles();
  const tags = new Tags(input.tagged);
  handleMessages(progress, accepted);
  const { loadDate, options } = await planRun(input);
  accepted.allow(options.optionalFiles);
  tags.loadDate(loadDate);
  const delivery: DeliveryRef = { loadDate, kind: 'increment' };
  try {
    const result = await toldWhenLate(loadDate, options.lateAfterMs, progress, async () => {
      const joined = await claimDay(delivery, progress);
      if (joined) return joined;
      const { reportId, taskId } = input.report ?? (await waitForReport(options, progress));
      const wait = new FileWait(options, accepted, progress, input.files);
      for (;;) {
        const files = await wait.untilThere(reportId, loadDate);
        if (!files) return await noIncrement(delivery, startedAt);
        try {
          const request = { delivery, files, reportId, taskId, options, optional: accepted, startedAt };
          return await loadDelivery(request, progress);
        } catch (error) {
          const missing = filesNotLanded(error);
          if (!missing) throw error;
          await wait.again(loadDate, missing, describe(error));
        }
      }
    });
    tags.outcome(result.outcome);
    return finish(result, progress);
  } catch (error) {
    tags.outcome('failed');
    throw await failed(delivery, error, startedAt, progress);
  }
}
