import { WorkflowFailedError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { nextStep } from '../domain/failures.ts';
import { messageOf } from '../domain/text.ts';

export interface FailureText {
  message: string;
  type: string | undefined;
  /** What the operator does next. */
  next: string | undefined;
}

/** A workflow's failure, for the operator. */
export function workflowFailure(error: unknown): FailureText {
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  if (cause instanceof ApplicationFailure)
    return { message: cause.message, type: cause.type ?? undefined, next: nextStep(cause.type) };
  if (cause instanceof CancelledFailure)
    return { message: 'The run was cancelled.', type: 'Cancelled', next: nextStep('Cancelled') };
  if (cause instanceof TerminatedFailure)
    return { message: 'The run was terminated.', type: 'Terminated', next: undefined };
  return { message: messageOf(cause), type: undefined, next: undefined };
}

/** The gRPC status of a failed call. */
export function codeOf(error: unknown): unknown {
  const { cause, code } = error as { cause?: { code?: unknown }; code?: unknown };
  return code ?? cause?.code;
}

const DEADLINE_EXCEEDED = 4;

/** The cause of a failed Temporal call is more specific than the error itself. */
export function reasonOf(error: unknown): string {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || codeOf(error) === DEADLINE_EXCEEDED)
    return 'no answer in time';
  return messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}
