import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleNotFoundError } from '@temporalio/client';

const MAX_TRIES = 5;

/**
 * Retries a change of an existing schedule. The server keeps a schedule in a workflow; a call that hits its
 * continue-as-new fails with "workflow execution already completed", as seen once on a busy machine.
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
