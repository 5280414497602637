import { addDays } from '../../domain/load-date.ts';
import type { Delivery, DeliverySource } from './delivery.ts';
import {
  chunks,
  type FileLines,
  type GenerateOptions,
  incrementLines,
  reportLines,
} from './generate-increment.ts';

const HISTORY_DAYS = 23; // the real report: 2024-02-02 to 2024-02-24
const EARLIEST = '2024-02-25';

/** Increments for every date from 2024-02-25 on, and a report over the 23 days before it. */
export function generatedSource(options: GenerateOptions = {}): DeliverySource {
  const startDay = addDays(EARLIEST, -HISTORY_DAYS);
  const endDate = addDays(EARLIEST, -1);
  return {
    increment: (date) => (date < EARLIEST ? null : { files: streamed(incrementLines(date, options)) }),
    report: () => ({ startDay, endDate, files: streamed(reportLines(startDay, endDate, options)) }),
  };
}

function streamed(lines: FileLines): Delivery['files'] {
  return Object.fromEntries(
    Object.entries(lines).map(([key, make]) => [key, { chunks: () => chunks(make()) }]),
  );
}
