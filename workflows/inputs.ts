import type { RunOptions } from '../domain/day.ts';
import type { LoadDate } from '../domain/load-date.ts';
import type { ReportRef } from './steps/report.ts';

/** The input of the workflow `salesIncrement`; `{"loadDate": "2024-02-25"}` is enough, from the UI for instance. */
export interface SalesIncrementInput {
  /** YYYY-MM-DD; a scheduled run has none and takes it from the time at which it was due. */
  loadDate?: LoadDate;
  /** What shapes the run; what is absent comes from the worker's settings. */
  options?: Partial<RunOptions>;
  /** A report that is finished already, shared by the days of a backfill. */
  report?: ReportRef;
  /** How the load date of a scheduled run follows from the time at which it was due. */
  schedule?: { timeZone: string; offsetDays: number };
  /** Only these files, to stage one of a day again; all when absent. */
  files?: string[];
  /** Whether the namespace has the custom search attributes. */
  tagged?: boolean;
}
