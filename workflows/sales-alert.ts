import type { Alert } from '../domain/day.ts';
import { alertSteps } from './steps/activities.ts';

/** Sends one message to the webhook, and tries until it has arrived. No day waits for it or fails by it. */
export async function salesAlert(alert: Alert): Promise<string> {
  const summary = `${alert.loadDate}: ${alert.kind}`;
  return await alertSteps.sendAlert.executeWithOptions({ summary }, [alert]);
}
