import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/index.ts';
import type { Report } from '../../activities/get-report.ts';
import type { DeliveryFile, LandedFile } from '../../domain/day.ts';
import { FEEDS } from '../../domain/feeds.ts';
import { eachDay } from '../../domain/load-date.ts';
import type { SalesBackfillInput, SalesHistoryInput, SalesIncrementInput } from '../../workflows/inputs.ts';
import { FAST_OPTIONS } from './fast-options.ts';

/** What each step of the product answers, as a test says it: with or without a promise. */
export type Answers = {
  [K in keyof Activities]: (
    ...args: Parameters<Activities[K]>
  ) => ReturnType<Activities[K]> | Awaited<ReturnType<Activities[K]>>;
};

export const DATE = '2024-02-25';
export const ALL_FEEDS = FEEDS.map(({ name }) => name);

/** A finished report, with all files. */
export const REPORT: Report = {
  taskId: 'task',
  reportId: 'report',
  startDay: '2024-02-02',
  present: ALL_FEEDS,
  missing: [],
};

/** The answer of `getIncrement` for an increment that lacks the files of some feeds. */
export function incrementWithout(...feeds: string[]) {
  return {
    found: true as const,
    number: 2,
    present: ALL_FEEDS.filter((feed) => !feeds.includes(feed)),
    missing: ALL_FEEDS.filter((feed) => feeds.includes(feed)),
  };
}

const plan = { tagged: false, hasWebhook: true };
export const landed = (file: DeliveryFile): LandedFile => ({
  ...file,
  deliveryNumber: 3,
  bytes: 100,
  sha256: '0'.repeat(64),
  rowsRead: 2,
  rowsRejected: 0,
  warnings: [],
});

/** A day on which nothing goes wrong: two rows of one order in each file. A test says only what differs. */
export const USUAL_ANSWERS: Answers = {
  planDay: (input) => {
    const { loadDate = DATE, options } = input as SalesIncrementInput;
    return { ...plan, loadDate, options: { ...FAST_OPTIONS, ...options } };
  },
  planHistory: (input) => ({
    ...plan,
    options: { ...FAST_OPTIONS, ...(input as SalesHistoryInput).options },
  }),
  claimDay: () => ({ state: 'claimed', number: 1 }),
  generateReport: () => REPORT.taskId,
  getReport: () => REPORT,
  getIncrement: () => incrementWithout(),
  landFile: landed,
  stageFile: (file) => ({
    ...file,
    counts: { rows_read: 2, rows_kept: 1, rows_duplicate: 1, rows_rejected: 0 },
    warnings: [],
    superseded: false,
  }),
  updateDimensions: () => undefined,
  updateFSales: () => ({ missing: [], volumeWarnings: [] }),
  recordFailure: () => undefined,
  recordNotFound: () => ({ outcome: 'no_increment', warnings: [] }),
  findOpenDays: () => ({ days: 0, first_date: null, last_date: null }),
  sendAlert: () => 'sent',
  planBackfill: (input) => {
    const { from, to, checkpoint } = input as SalesBackfillInput;
    const days = eachDay(checkpoint?.next ?? from, to);
    return { ...plan, options: FAST_OPTIONS, days, daysLeft: days.length };
  },
  recordBackfillDays: () => undefined,
  failBackfillDays: () => 0,
};

/** A `landFile` that fails for the file of one feed. */
export function landsAllBut(feed: string, reason: Error): Answers['landFile'] {
  return (file, report, share) => {
    if (file.feed === feed) throw reason;
    return USUAL_ANSWERS.landFile(file, report, share);
  };
}

/** As a step leaves a failure to the run: it is not tried again. */
export function final({ message, type }: ApplicationFailure) {
  return ApplicationFailure.nonRetryable(message, type);
}
