import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type {
  ActivityExecuteInput,
  ActivityInboundCallsInterceptor,
  ActivityInterceptors,
  Next,
} from '@temporalio/worker';
import { failure, FAILURES, isFailureType, type FailureEntry } from '../domain/failures.ts';

/** Well within the heartbeat timeout of `workflows/steps/activities.ts`. */
export const HEARTBEAT_EVERY_MS = 1_000;

/**
 * Every activity heartbeats, so that the loss of a worker is noticed within seconds and not after the time that the
 * longest download may take; a heartbeat's answer carries cancellation. Failures with a
 * limit of their own are given up after it.
 */
export function heartbeatInterceptor(context: Context): ActivityInterceptors {
  const inbound: ActivityInboundCallsInterceptor = {
    async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>) {
      const timer = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
      try {
        return await next(input);
      } catch (error) {
        throw withinLimit(context, await failureOf(context, error));
      } finally {
        clearInterval(timer);
      }
    },
  };
  return { inbound };
}

async function failureOf(context: Context, error: unknown): Promise<unknown> {
  if (!context.cancellationSignal.aborted) return error;
  const reason: unknown = context.cancellationSignal.reason;
  // A worker that stops is no cancellation of the work: it goes on elsewhere at once.
  if (reason instanceof CancelledFailure && reason.message === 'WORKER_SHUTDOWN') {
    return failure('WorkerStopped', 'The worker was stopped; the step continues on another worker.');
  }
  return await context.cancelled.catch((cancelled: unknown) => cancelled);
}

function withinLimit({ info }: Context, error: unknown): unknown {
  if (!(error instanceof ApplicationFailure) || !isFailureType(error.type)) return error;
  const { retryLimitMs = Infinity }: FailureEntry = FAILURES[error.type];
  if (Date.now() - info.scheduledTimestampMs < retryLimitMs) return error;
  const { type, message } = error;
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}
