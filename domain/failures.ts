import { ApplicationFailure } from '@temporalio/common';

export interface FailureEntry {
  /** Trying again can heal it, which the step then does by itself. */
  readonly retryable: boolean;
  /** How long a step tries again, in milliseconds; absent: as long as the step may. */
  readonly retryLimitMs?: number;
  /** What has happened, as a clause. */
  readonly symptom: string;
  /** The command, table, log or place in the Temporal UI that shows more. */
  readonly look: string;
  /** What the operator does next; client, status and alerts print it. */
  readonly next: string;
}

/**
 * Every failure that a run can have, once. Shared by activities, workflows, client and docs (the runbook's table is made
 * of it); a message names the date, the file or the setting.
 */
export const FAILURES = {
  InvalidInput: {
    retryable: false,
    symptom: 'the input has a missing or invalid value',
    look: "UI: the run's _Input_; the message names the value.",
    next: 'Correct the input of the workflow and start it again.',
  },
  ReportApiUnauthorized: {
    retryable: false,
    symptom: 'the report API answers 401 or 403',
    look: '`status`: the message names the call and the answer. The environment of the worker that ran it (UI: identity).',
    next: 'Set REPORT_API_KEY, REPORT_API_NICKNAME and REPORT_API_COHORT of the worker, restart it, run the day again.',
  },
  ReportApiRefused: {
    retryable: false,
    symptom: 'the report API refuses a call with another status',
    look: '`status`: the message names the call and the answer.',
    next: 'The API refuses the request itself: check REPORT_API_URL, then ask the owner of the API.',
  },
  ReportApiUnavailable: {
    retryable: true,
    symptom: 'no answer, 429 or 5xx from the report API',
    look: '`run` prints it while it waits; UI: _Pending Activities_, with attempt and last failure.',
    next: 'It is retried automatically while the run waits. If the run has failed, ask the owner of the report API, then run the day again.',
  },
  ReportApiAnswerInvalid: {
    retryable: true,
    symptom: 'an answer of the report API is malformed, or is not about what was asked',
    look: 'UI: _Pending Activities_; the last failure names the call and the field.',
    next: 'It is retried automatically. If it persists, the API has changed: compare its answer with pipeline/extract/report-api-answers.ts.',
  },
  ReportFailed: {
    retryable: false,
    symptom: 'the report ended with a status other than SUCCESS',
    look: "`status`: the message quotes the status. The API's own log, by the task id (UI: result of generateReport).",
    next: 'The API could not make the report. Run the day again; if it fails again, ask the owner of the API.',
  },
  ReportTimedOut: {
    retryable: false,
    symptom: 'the report was not made within REPORT_TIMEOUT',
    look: 'UI: the polls (getReport) and their times; the result of generateReport is the task id.',
    next: 'Run the day again, or raise REPORT_TIMEOUT if reports take that long.',
  },
  FilesMissing: {
    retryable: false,
    symptom: 'files did not appear within FILES_TIMEOUT',
    look: '`status`: the message names them. UI, while it waits: the current details.',
    next: 'Run the day again when the files are there, or name them in OPTIONAL_FILES if the day can do without them.',
  },
  FileNotAvailable: {
    retryable: false,
    symptom: 'the storage does not have a file, or not under this address (404, 403 …)',
    look: 'UI: landFile of that file; the current details name what the run waits for.',
    next: 'The run asks for fresh addresses automatically, until FILES_TIMEOUT.',
  },
  FilesNotLanded: {
    retryable: false,
    symptom: 'files were announced but could not be downloaded',
    look: 'UI: the failures of landFile, one per file.',
    next: 'The run asks for fresh addresses automatically, until FILES_TIMEOUT. If it has failed, run the day (or bootstrap) again.',
  },
  DownloadInterrupted: {
    retryable: true,
    symptom: 'a download was cut off or stalled',
    look: 'UI: landFile under _Pending Activities_, with attempt and last failure.',
    next: 'It is retried automatically. If it persists, check the network between the worker and the storage.',
  },
  UnsafeAddress: {
    retryable: false,
    symptom: 'the address of a file is not an http(s) URL, or redirects',
    look: '`status`: the message names the file; the address itself is a secret and is not shown.',
    next: 'Such an address is never followed. Ask the owner of the API.',
  },
  FileTooLarge: {
    retryable: false,
    symptom: 'a file is larger than MAX_FILE_BYTES',
    look: '`status`: the message names the file and its size.',
    next: 'Raise MAX_FILE_BYTES if files of that size are expected.',
  },
  FileRefused: {
    retryable: false,
    symptom: 'a file as a whole is not what it should be, or too many of its rows are bad',
    look: '`status`: the message says what was found, with the first bad lines. The file is in `LANDING_DIR` of the worker that ran landFile (UI: identity).',
    next: 'Nothing was changed. Have the file corrected at its source and run the day again.',
  },
  LandedRowsGone: {
    retryable: false,
    symptom:
      'the rows of a landed file are not in the database any more: they waited for more than a day, or it was restored',
    look: 'UI: another landFile of that file, then stageFile again.',
    next: 'The run downloads the file again automatically. If the run has failed, run the day again.',
  },
  LandingUnavailable: {
    retryable: true,
    symptom: 'the landing directory cannot be written',
    look: 'UI: _Pending Activities_; on that worker: `df -h` and the permissions of `LANDING_DIR`.',
    next: 'Free disk space, or make LANDING_DIR writable for the worker; another worker takes the file meanwhile, and the run continues automatically. If it has failed, run the day again.',
  },
  DatabaseUnavailable: {
    retryable: true,
    symptom: 'PostgreSQL does not answer, or cannot work now',
    look: "UI: _Pending Activities_, with SQLSTATE; `/readyz` of the worker; PostgreSQL's log; `pg_stat_activity`.",
    next: 'It is retried automatically for up to 24 hours. If it persists, check the PostgreSQL server and DATABASE_URL; if the run has failed, run the day again.',
  },
  DatabaseRefused: {
    retryable: false,
    symptom: 'PostgreSQL refuses a statement',
    look: "`status`: the message, with SQLSTATE; PostgreSQL's log has the statement and the detail.",
    next: 'Fix what the message and the PostgreSQL log name (often a missing privilege: migrate --worker-role), then run the day again.',
  },
  SchemaMissing: {
    retryable: true,
    retryLimitMs: 15 * 60_000,
    symptom: 'a table or column is missing',
    look: '`staging.schema_migration`, compared with `sql/migrations/`.',
    next: 'Run `npm run client -- migrate`. The step is retried automatically for 15 minutes; after that, run the day again.',
  },
  AlertNotSent: {
    retryable: true,
    symptom: 'a message to ALERT_WEBHOOK_URL did not arrive',
    look: 'UI: sendAlert in the workflow `…-alert-…`.',
    next: 'Check ALERT_WEBHOOK_URL and its receiver. The day itself is not affected.',
  },
  Cancelled: {
    retryable: false,
    symptom: 'somebody cancelled the run',
    look: 'UI: the event _WorkflowExecutionCancelRequested_, with the identity of who asked.',
    next: 'Run the day again if that was a mistake.',
  },
  StepTimedOut: {
    retryable: false,
    symptom: 'a step did not finish within its limit',
    look: '`status`: the message names the step. The log of the worker that ran it (UI: identity).',
    next: 'Run the day again when the worker is well.',
  },
  WorkerStopped: {
    retryable: true,
    symptom: 'a worker was stopped in the middle of a step',
    look: "UI: the step's next attempt and its worker; the log of the stopped one.",
    next: 'It goes on automatically, on another worker or when this one is started again.',
  },
} as const satisfies Record<string, FailureEntry>;

export type FailureType = keyof typeof FAILURES;

/**
 * A failure of a known type, retryable or not as the table says.
 * @param options.nextRetryDelayMs when the other side said when to try again
 */
export function failure(
  type: FailureType,
  message: string,
  options: { nextRetryDelayMs?: number | undefined; details?: unknown[] } = {},
): ApplicationFailure {
  const { nextRetryDelayMs: nextRetryDelay, details } = options;
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: !FAILURES[type].retryable,
    ...(nextRetryDelay !== undefined && { nextRetryDelay }),
    ...(details && { details }),
  });
}

export function isFailureType(type: string | null | undefined): type is FailureType {
  return typeof type === 'string' && Object.hasOwn(FAILURES, type);
}

/** What the operator does next, for a type that stands in the table. */
export function nextStep(type: string | null | undefined): string | undefined {
  return isFailureType(type) ? FAILURES[type].next : undefined;
}
