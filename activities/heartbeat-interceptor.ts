import type { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type {
  ActivityInterceptors,
  Next,
  ActivityInboundCallsInterceptor,
  ActivityExecuteInput,
} from '@temporalio/worker';
import { landingFailure } from '../pipeline/extract/landing-failure.ts';
import { failure } from '../domain/failures.ts';

/** Well within the heartbeat timeout of `workflows/activity-options.ts`. */
export const HEARTBEAT_EVERY_MS = 1_000;

/**
 * Every activity says that it is alive, so that the loss of a worker is noticed within seconds and not after the
 * time that the longest download may take; the answers carry cancellation. Errors of the disk become failures
 * of the table here, once for all activities.
 */
export function heartbeatInterceptor(context: Context): ActivityInterceptors {
  const inbound: ActivityInboundCallsInterceptor = {
    async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>) {
      const timer = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
      try {
        return await next(input);
      } catch (error) {
        throw await failureOf(context, error);
      } finally {
        clearInterval(timer);
      }
    },
  };
  return { inbound };
}

async function failureOf(context: Context, error: unknown): Promise<unknown> {
  if (!context.cancellationSignal.aborted) return landingFailure(error) ?? error;
  const reason: unknown = context.cancellationSignal.reason;
  // A worker that stops is no cancellation of the work: it goes on elsewhere at once.
  if (reason instanceof CancelledFailure && reason.message === 'WORKER_SHUTDOWN') {
    return failure('WorkerStopped', 'The worker was stopped; the step goes on elsewhere.');
  }
  return await context.cancelled.catch((cancelled: unknown) => cancelled);
}
