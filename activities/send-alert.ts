import { request } from 'undici';
import type { Alert } from '../domain/day.ts';
import { failure, nextStep } from '../domain/failures.ts';
import { describeNetworkError } from '../runtime/network-error.ts';
import { httpFacts, inSpan } from '../runtime/tracing/span.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

const TIMEOUT_MS = 10_000;

/**
 * Tells a person about a day by one call of the webhook (JSON that Slack-compatible receivers accept). A run sends
 * each kind of message once: it is noted in the database before the call, and taken back when the call fails.
 */
export function sendAlert({ database, alerts }: ActivityDependencies) {
  return async function sendAlert(alert: Alert): Promise<'sent' | 'sent before' | 'no webhook'> {
    if (alerts.webhookUrl === undefined) return 'no webhook';
    const { workflowId, runId } = currentRun();
    const key = [workflowId, runId, alert.kind];
    const noted = await database.query('audit/note_alert', key, cancellation());
    if (noted.length === 0) return 'sent before';
    try {
      const { webhookUrl } = alerts;
      await inSpan('POST alert', httpFacts('POST', new URL(webhookUrl)), () =>
        post(webhookUrl, messageOf(alert, workflowId, runId)),
      );
    } catch (error) {
      await database.query('audit/forget_alert', key);
      throw error;
    }
    return 'sent';
  };

  function messageOf({ kind, loadDate, error, errorType }: Alert, workflowId: string, runId: string) {
    const link = `${alerts.temporalUiUrl}/namespaces/${alerts.namespace}/workflows/${encodeURIComponent(workflowId)}/${runId}`;
    const next =
      nextStep(errorType) ??
      (kind === 'late' ? 'Look at what the run is waiting for.' : 'Run the day again.');
    const headline = kind === 'late' ? `Sales of ${loadDate} are late` : `Sales of ${loadDate} failed`;
    return {
      text: `${headline}: ${error}\nNext: ${next}\n${link}`,
      kind,
      date: loadDate,
      error,
      error_type: errorType ?? null,
      next,
      workflow_id: workflowId,
      run_id: runId,
      url: link,
    };
  }
}

/** The URL is a secret: nothing of it stands in an error. */
async function post(webhookUrl: string, message: object): Promise<void> {
  const signal = AbortSignal.any([cancellation(), AbortSignal.timeout(TIMEOUT_MS)]);
  let statusCode: number;
  try {
    const response = await request(webhookUrl, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(message),
      signal,
    });
    statusCode = response.statusCode;
    await response.body.dump();
  } catch (error) {
    cancellation().throwIfAborted();
    throw failure('AlertNotSent', `The alert webhook could not be called: ${describeNetworkError(error)}.`);
  }
  if (statusCode >= 300) throw failure('AlertNotSent', `The alert webhook answered ${statusCode}.`);
}
