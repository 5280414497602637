import { addDays, eachDay } from '../../domain/load-date.ts';
import type { DeliverySource } from './delivery.ts';
import { DEFAULT_ORDERS, generatedFiles } from './generate-increment.ts';

const EARLIEST = '2024-02-25';
// That of the real report.
const [START_DAY, END_DATE] = ['2024-02-02', addDays(EARLIEST, -1)];

/** Increments for every date from 2024-02-25 on, and a report over the 23 days before it. */
export function generatedSource(orders = DEFAULT_ORDERS): DeliverySource {
  const history = () => generatedFiles('history', eachDay(START_DAY, END_DATE), orders);
  return {
    increment: (date) => (date < EARLIEST ? null : { files: generatedFiles('increment', [date], orders) }),
    report: () => ({ startDay: START_DAY, endDate: END_DATE, files: history() }),
  };
}
