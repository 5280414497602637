import type { ActivityDependencies } from './dependencies.ts';

/**
 * Asks the API for a report and returns the id of the task that makes it. The call is not broken off when the worker
 * stops: the API may have begun the report, and the next try would ask for a second one. It has a time limit of its own.
 */
export function generateReport({ reportApi }: ActivityDependencies) {
  return async function generateReport(): Promise<string> {
    return await reportApi.generateReport();
  };
}
