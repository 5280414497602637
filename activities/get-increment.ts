import { FEEDS, fileName } from '../feeds/feeds.ts';
import type { LoadDate } from '../shared/load-date.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** Which files of the increment are there; their addresses are secrets and stay out of the history. */
export type IncrementFiles = { found: true; files: string[] } | { found: false; reason: string };

/** Asks which files of a date's increment are there. */
export function getIncrement({ reportApi }: ActivityDependencies) {
  return async function getIncrement(reportId: string, loadDate: LoadDate): Promise<IncrementFiles> {
    const increment = await reportApi.getIncrement(reportId, loadDate, cancellation());
    if (!increment.found) return increment;
    const files = FEEDS.map((feed) => fileName(feed, 'increment')).filter((file) => file in increment.urls);
    return { found: true, files };
  };
}
