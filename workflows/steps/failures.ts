import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import { isFailureType, type FailureType } from '../../domain/failures.ts';

/** What went wrong beneath the activity that failed. */
function cause(error: unknown): unknown {
  return error instanceof ActivityFailure ? error.cause : error;
}

export function failureType(error: unknown): FailureType | undefined {
  const beneath = cause(error);
  return beneath instanceof ApplicationFailure && isFailureType(beneath.type) ? beneath.type : undefined;
}

/** Nobody took the task: the worker that has the files is gone. */
export function isWorkerGone(error: unknown): boolean {
  const beneath = cause(error);
  return beneath instanceof TimeoutFailure && beneath.timeoutType === 'SCHEDULE_TO_START';
}

/** A sentence for a person. */
export function describe(error: unknown): string {
  if (isCancellation(error)) return 'The run was cancelled.';
  const beneath = cause(error);
  if (error instanceof ActivityFailure && beneath instanceof TimeoutFailure) {
    return `${error.activityType} did not end in time (${beneath.timeoutType ?? 'timeout'}).`;
  }
  return beneath instanceof Error ? beneath.message : String(beneath);
}

/**
 * The failure that the run ends with: of the same type as what went wrong, so that client, alerts and runbook
 * know it, and with the whole sentence. Cancellation stays what it is.
 */
export function finalFailure(error: unknown, message = describe(error)): unknown {
  if (isCancellation(error)) return error;
  const beneath = cause(error);
  const type = beneath instanceof ApplicationFailure ? (beneath.type ?? 'Error') : 'StepTimedOut';
  return ApplicationFailure.create({
    type: beneath instanceof Error ? type : 'Error',
    message,
    nonRetryable: true,
    ...(error instanceof Error ? { cause: error } : {}),
  });
}

/** Waits for all; throws when any failed: the failures of one type together, the gravest type first. */
export async function allOf<T>(work: Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  const failures = settled
    .filter((result) => result.status === 'rejected')
    .map((result) => result.reason as unknown);
  if (failures.length === 0) {
    return settled.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  }
  const gravest = failures.find((error) => failureType(error) === 'FileRefused') ?? failures[0];
  const same = failures.filter((error) => failureType(error) === failureType(gravest));
  if (same.length < 2 || failureType(gravest) === undefined) throw gravest;
  throw finalFailure(gravest, same.map(describe).join(' '));
}
