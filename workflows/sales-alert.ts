import { ActivityFailure } from '@temporalio/workflow';
import type { Alert } from '../domain/day.ts';
import { alertSteps } from './steps/activities.ts';
import { finalFailure } from './steps/errors.ts';

/** Sends one message to the webhook, retrying for up to 24 hours. No day waits for it or fails because of it. */
export async function salesAlert(alert: Alert): Promise<string> {
  try {
    // Not before the activity has checked it: `alert` may be anything.
    return await alertSteps.sendAlert(alert);
  } catch (error) {
    throw error instanceof ActivityFailure ? finalFailure(error) : error;
  }
}
