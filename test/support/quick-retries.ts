import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptors } from '@temporalio/worker';

const DELAY_MS = 20;

/** Steps are tried again after milliseconds, unless their failure says itself how long to wait. */
export function quickRetries(): ActivityInterceptors {
  return {
    inbound: {
      async execute(input, next) {
        try {
          return await next(input);
        } catch (error) {
          if (!(error instanceof ApplicationFailure) || error.nonRetryable || error.nextRetryDelay)
            throw error;
          const { message, type, details } = error;
          throw ApplicationFailure.create({
            message,
            ...(type != null && { type }),
            ...(details != null && { details }),
            nextRetryDelay: DELAY_MS,
          });
        }
      },
    },
  };
}
