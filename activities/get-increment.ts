import { fileName } from '../domain/feeds.ts';
import type { LoadDate } from '../domain/load-date.ts';
import { nextDeliveryNumber } from '../pipeline/load/delivery-number.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, idInput, loadDateInput } from '../domain/inputs.ts';
import { availableFiles, type AvailableFiles } from './get-report.ts';

/** `number` orders the answer among those of other runs. */
export type IncrementFiles = { number: number } & (({ found: true } & AvailableFiles) | { found: false });

/** Asks which files of a date's increment are there. */
export function getIncrement({ database, reportApi }: ActivityDependencies) {
  return async function getIncrement(reportId: string, loadDate: LoadDate): Promise<IncrementFiles> {
    checkedInput(idInput, reportId);
    checkedInput(loadDateInput, loadDate);
    const number = await nextDeliveryNumber(database, cancellation());
    const increment = await reportApi.getIncrement(reportId, loadDate, cancellation());
    if (!increment.found) return { found: false, number };
    const files = availableFiles((feed) => fileName({ feed, source: 'increment' }) in increment.urls);
    return { found: true, number, ...files };
  };
}
