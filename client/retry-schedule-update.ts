import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleNotFoundError } from '@temporalio/client';

const MAX_TRIES = 5;

/**
 * A change of a schedule that is known to be there. The server keeps it in a workflow that continues as new now and
 * then; on a busy machine a call fell into that moment once and was refused: "workflow execution already completed".
 */
export async function retryScheduleUpdate<T>(update: () => Promise<T>, waitMs = 500): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await update();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError) || tries === MAX_TRIES) throw error;
      await sleep(waitMs);
    }
  }
}
