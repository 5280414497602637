import { ApplicationFailure } from '@temporalio/common';

/**
 * Every failure that a run can have, once: whether trying again can heal it, and what the operator does next.
 * Shared by activities, workflows, client and docs; a message names the date, the file or the setting.
 */
export const FAILURES = {
  InvalidInput: {
    retryable: false,
    next: 'Correct the input of the workflow and start it again.',
  },
  ReportApiUnauthorized: {
    retryable: false,
    next: 'Set REPORT_API_KEY, REPORT_API_NICKNAME and REPORT_API_COHORT of the worker, restart it, run the day again.',
  },
  ReportApiRefused: {
    retryable: false,
    next: 'The API refuses the request itself: check REPORT_API_URL, then ask the owner of the API.',
  },
  ReportApiUnavailable: {
    retryable: true,
    next: 'It is tried again by itself. If it goes on, ask the owner of the report API.',
  },
  ReportApiAnswerInvalid: {
    retryable: true,
    next: 'It is tried again by itself. If it goes on, the API has changed: compare its answer with the contract.',
  },
  ReportFailed: {
    retryable: false,
    next: 'The API could not make the report. Run the day again; if it fails again, ask the owner of the API.',
  },
  ReportTimedOut: {
    retryable: false,
    next: 'Run the day again, or raise REPORT_TIMEOUT if reports take that long.',
  },
  FilesMissing: {
    retryable: false,
    next: 'Run the day again when the files are there, or name them in OPTIONAL_FILES if the day may do without.',
  },
  FileNotAvailable: {
    retryable: false,
    next: 'The run asks for fresh addresses by itself until FILES_TIMEOUT.',
  },
  FilesNotLanded: {
    retryable: false,
    next: 'The run asks for fresh addresses by itself until FILES_TIMEOUT; for history: run bootstrap again.',
  },
  DownloadInterrupted: {
    retryable: true,
    next: 'It is tried again by itself. If it goes on, look at the network between the worker and the storage.',
  },
  UnsafeAddress: {
    retryable: false,
    next: 'The API gave an address that is never followed. Ask the owner of the API.',
  },
  FileTooLarge: {
    retryable: false,
    next: 'Raise MAX_FILE_BYTES if files of that size are expected.',
  },
  FileRefused: {
    retryable: false,
    next: 'Nothing was changed. Have the file corrected at its source and run the day again.',
  },
  LandedFileGone: {
    retryable: false,
    next: 'The run downloads the file again by itself.',
  },
  LandingUnavailable: {
    retryable: true,
    next: 'Free disk space, or make LANDING_DIR writable for the worker; it goes on by itself.',
  },
  DatabaseUnavailable: {
    retryable: true,
    next: 'It is tried again by itself. If it goes on, look at the PostgreSQL server and DATABASE_URL.',
  },
  DatabaseRefused: {
    retryable: false,
    next: 'PostgreSQL refuses the statement itself, which never heals by trying again: see the message.',
  },
  SchemaMissing: {
    retryable: false,
    next: 'Run `npm run client -- migrate`, then run the day again.',
  },
  AlertNotSent: {
    retryable: true,
    next: 'Check ALERT_WEBHOOK_URL and its receiver. No day fails by it.',
  },
  WorkerStopped: {
    retryable: true,
    next: 'It goes on by itself on another worker, or when this one is started again.',
  },
} as const satisfies Record<string, { retryable: boolean; next: string }>;

export type FailureType = keyof typeof FAILURES;

export interface FailureOptions {
  cause?: unknown;
  /** Milliseconds until the next try, when the other side said so. */
  nextRetryDelayMs?: number;
  details?: unknown[];
}

/** A failure of a known type, retryable or not as the table says. */
export function failure(
  type: FailureType,
  message: string,
  options: FailureOptions = {},
): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: !FAILURES[type].retryable,
    ...(options.cause instanceof Error ? { cause: options.cause } : {}),
    ...(options.nextRetryDelayMs === undefined ? {} : { nextRetryDelay: options.nextRetryDelayMs }),
    ...(options.details ? { details: options.details } : {}),
  });
}

export function isFailureType(type: string | null | undefined): type is FailureType {
  return typeof type === 'string' && Object.hasOwn(FAILURES, type);
}

/** What the operator does next, for a type that stands in the table. */
export function nextStep(type: string | null | undefined): string | undefined {
  return isFailureType(type) ? FAILURES[type].next : undefined;
}
