import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import { isFailureType, type FailureType } from '../../domain/failures.ts';
import { messageOf } from '../../domain/text.ts';

/** What went wrong in the activity that failed: of tries that ran out of time, the last one's failure. */
function causeOf(error: unknown): unknown {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof TimeoutFailure && cause.cause instanceof ApplicationFailure ? cause.cause : cause;
}

export function failureType(error: unknown): FailureType | undefined {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && isFailureType(cause.type) ? cause.type : undefined;
}

/** The type that a failed run is known by: one of FAILURES, or `Error` for a fault in the code. */
export function typeOf(error: unknown): string {
  if (isCancellation(error)) return 'Cancelled';
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) return cause.type ?? 'Error';
  return cause instanceof TimeoutFailure ? 'StepTimedOut' : 'Error';
}

/** All tries of an activity together took too long, or it would have been too late for another one. */
export function isTimeout(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  return error.cause instanceof TimeoutFailure || error.retryState === 'TIMEOUT';
}

/** Nobody took the task in time. */
export function isScheduleToStartTimeout(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
}

/** A sentence for a person. */
export function describeError(error: unknown): string {
  if (isCancellation(error)) return 'The run was cancelled.';
  const cause = causeOf(error);
  if (error instanceof ActivityFailure && cause instanceof TimeoutFailure) {
    return `${error.activityType} did not finish in time (${cause.timeoutType ?? 'timeout'}).`;
  }
  return messageOf(cause);
}

/**
 * The failure that the run ends with: of the same type as what went wrong, so that client, alerts and runbook
 * know it, and with the whole sentence. Cancellation stays what it is.
 */
export function finalFailure(error: unknown, message = describeError(error)): unknown {
  if (isCancellation(error)) return error;
  return ApplicationFailure.create({
    type: typeOf(error),
    message,
    nonRetryable: true,
    ...(error instanceof Error ? { cause: error } : {}),
  });
}

/** Why work failed, of what `Promise.allSettled` gives. */
export function reasonsOf(settled: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
}

export function valuesOf<T>(settled: readonly PromiseSettledResult<T>[]): T[] {
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** The failure to end with when there are several: a refused file first, and those of its type together with it. */
export function worstOf(failures: readonly unknown[]): unknown {
  const worst = failures.find((error) => failureType(error) === 'FileRefused') ?? failures[0];
  const same = failures.filter((error) => failureType(error) === failureType(worst));
  if (same.length < 2 || failureType(worst) === undefined) return worst;
  return finalFailure(worst, same.map(describeError).join(' '));
}
