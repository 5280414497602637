import { mkdir } from 'node:fs/promises';
import type { ActivityDependencies } from './dependencies.ts';

/**
 * Makes the worker that runs this the one on whose disk the day lands; returns its own task queue.
 * What landed too long ago is removed on the way.
 */
export function chooseLanding({ landing, landingTaskQueue, landingRetentionMs, now }: ActivityDependencies) {
  return async function chooseLanding(): Promise<string> {
    await mkdir(landing.root, { recursive: true });
    await landing.prune(new Date(now().getTime() - landingRetentionMs));
    return landingTaskQueue;
  };
}
