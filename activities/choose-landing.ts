import { mkdir } from 'node:fs/promises';
import type { ActivityDependencies } from './dependencies.ts';

/** Makes the worker that runs this the one on whose disk the day lands; returns its own task queue. */
export function chooseLanding({ landing, landingTaskQueue }: ActivityDependencies) {
  return async function chooseLanding(): Promise<string> {
    await mkdir(landing.root, { recursive: true });
    return landingTaskQueue;
  };
}
