import { failure, nextStep } from '../domain/failures.ts';
import type { Alert } from '../domain/day.ts';
import type { LoadDate } from '../domain/load-date.ts';
import { describeNetworkError } from '../runtime/network-error.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { alertInput, checkedInput } from '../domain/inputs.ts';
import { postJson } from './webhook.ts';

const TIMEOUT_MS = 10_000;

const KINDS: Record<Alert['kind'], { headline: string; hint: string }> = {
  late: { headline: 'are not loaded yet', hint: 'Open the run to see what it is waiting for.' },
  failed: { headline: 'could not be loaded', hint: 'Run the day again.' },
  blocked: {
    headline: 'wait for a run that no worker takes',
    hint: 'Start a worker for that run, or terminate it.',
  },
  volume: {
    headline: 'are loaded, with far fewer rows than usual',
    hint: 'Check at the source whether the file is complete; then run the day again.',
  },
};

/** Sends an alert by one call of the webhook: JSON that Slack-compatible receivers accept. Any 2xx says that it has it. */
export function sendAlert({ alerts }: ActivityDependencies) {
  return async function sendAlert(input: Alert): Promise<'sent' | 'no webhook'> {
    const alert = checkedInput(alertInput, input);
    const { webhookUrl } = alerts;
    if (webhookUrl === undefined) return 'no webhook';
    await post(webhookUrl, documentOf(alert));
    return 'sent';
  };

  function documentOf({ kind, loadDate, due, error, errorType, run }: Alert) {
    const { workflowId, runId } = run;
    const url = `${alerts.temporalUiUrl}/namespaces/${alerts.namespace}/workflows/${encodeURIComponent(workflowId)}/${runId}`;
    const { headline, hint } = KINDS[kind];
    const next = nextStep(errorType) ?? hint;
    const title = `Sales ${subjectOf(loadDate, due)} ${headline}`;
    return {
      text: `${title}: ${escaped(error)}\nNext: ${escaped(next)}\n${url}`,
      kind,
      date: loadDate ?? null,
      due: due ?? null,
      error,
      error_type: errorType ?? null,
      next,
      workflow_id: workflowId,
      run_id: runId,
      url,
    };
  }
}

function subjectOf(loadDate?: LoadDate, due?: string): string {
  if (loadDate !== undefined) return `of ${loadDate}`;
  return due === undefined ? 'of all history' : `of the run that was due at ${due}`;
}

/** Slack's control characters: without this, a word of the API could mention a channel or disguise a link. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The URL is a secret: nothing of it stands in an error. */
async function post(webhookUrl: string, message: object): Promise<void> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let status: number;
  try {
    status = await postJson(new URL(webhookUrl), message, AbortSignal.any([cancellation(), timeout]));
  } catch (error) {
    cancellation().throwIfAborted();
    const what = timeout.aborted ? `no answer within ${TIMEOUT_MS / 1_000} s` : describeNetworkError(error);
    throw failure('AlertNotSent', `The alert webhook could not be called: ${what}.`);
  }
  if (status >= 300) throw failure('AlertNotSent', `The alert webhook answered ${status}.`);
}
