import type { Alert } from '../domain/day.ts';
import { alertSteps } from './steps/activities.ts';

/** Sends one message to the webhook, retrying for up to 24 hours. No day waits for it or fails because of it. */
export async function salesAlert(alert: Alert): Promise<string> {
  const summary = `${alert.loadDate}: ${alert.kind}`;
  return await alertSteps.sendAlert.executeWithOptions({ summary }, [alert]);
}
