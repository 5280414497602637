import { fileNames } from '../domain/feeds.ts';
import type { LoadDate } from '../domain/load-date.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

/**
 * Which files of the increment are there, and which of this worker's feeds are not (absent in histories from before
 * this was told). Their addresses are secrets and stay out of the history.
 */
export type IncrementFiles =
  { found: true; files: string[]; missing?: string[] } | { found: false; reason: string };

/** Asks which files of a date's increment are there. */
export function getIncrement({ reportApi }: ActivityDependencies) {
  return async function getIncrement(reportId: string, loadDate: LoadDate): Promise<IncrementFiles> {
    const increment = await reportApi.getIncrement(reportId, loadDate, cancellation());
    if (!increment.found) return increment;
    const known = fileNames('increment');
    return {
      found: true,
      files: known.filter((file) => file in increment.urls),
      missing: known.filter((file) => !(file in increment.urls)),
    };
  };
}
