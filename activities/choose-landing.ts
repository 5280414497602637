import { activityInfo } from '@temporalio/activity';
import { failure } from '../domain/failures.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** Tries for which a worker leaves a run to others after it has failed with it; then nobody else seems to be there. */
const TRIES_FOR_OTHERS = 5;

/**
 * Makes the worker that runs this the one on whose disk the files land; returns its own task queue.
 * Files that landed too long ago are removed on the way.
 * @param avoid task queues of landing directories that this run has failed with
 * @throws LandingUnavailable, so that another worker may take it
 */
export function chooseLanding({ landing, landingTaskQueue, landingRetentionMs, now }: ActivityDependencies) {
  return async function chooseLanding(avoid: readonly string[]): Promise<string> {
    if (avoid.includes(landingTaskQueue) && activityInfo().attempt <= TRIES_FOR_OTHERS) {
      throw failure('LandingUnavailable', 'The files of this run could not be landed here a moment ago.');
    }
    await landing.checkUsable();
    await landing.prune(new Date(now().getTime() - landingRetentionMs));
    return landingTaskQueue;
  };
}

/** Answers as long as the worker of a landing directory is alive, however busy it is. */
export function pingLanding() {
  return function pingLanding(): Promise<void> {
    return Promise.resolve();
  };
}
