import { activityInfo } from '@temporalio/activity';
import { failure } from '../domain/failures.ts';
import { landingFailure } from '../pipeline/extract/landing-failure.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { avoidInput, checkedInput } from './inputs.ts';

/** Tries, half a minute long, for which a worker leaves a run to others after it has failed with it; then there are none. */
const TRIES_FOR_OTHERS = 40;
/** Some fifty tries in the first minute: a worker that refuses at once is free to take the next try as well. */
const FIRST_DELAY_MS = 200;
const DELAY_GROWTH = 1.05;
const MAX_DELAY_MS = 30_000;

/**
 * Makes the worker that runs this the one on whose disk the files land; returns its own task queue.
 * @param avoid task queues of landing directories that this run has failed with
 * @throws LandingUnavailable, so that another worker may take it
 */
export function chooseLanding({ landing, landingTaskQueue }: ActivityDependencies) {
  return async function chooseLanding(avoid: readonly string[]): Promise<string> {
    const isAvoided = checkedInput(avoidInput, avoid).includes(landingTaskQueue);
    if (isAvoided && activityInfo().attempt <= TRIES_FOR_OTHERS) {
      throw unavailable(
        'Landing the files of this run on this worker has just failed; another worker can take it.',
      );
    }
    try {
      await landing.checkUsable();
    } catch (error) {
      const { message } = landingFailure(error) ?? {};
      throw message === undefined ? error : unavailable(message);
    }
    return landingTaskQueue;
  };
}

function unavailable(message: string) {
  const delay = FIRST_DELAY_MS * DELAY_GROWTH ** activityInfo().attempt;
  return failure('LandingUnavailable', message, { nextRetryDelayMs: Math.min(delay, MAX_DELAY_MS) });
}

/** Answers as long as the worker of a landing directory is alive, however busy it is. */
export function pingLanding() {
  return function pingLanding(): Promise<void> {
    return Promise.resolve();
  };
}
