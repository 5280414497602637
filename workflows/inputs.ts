import type { Holder } from '../activities/claim-day.ts';
import type { Report } from '../activities/get-report.ts';
import type { ReportRef } from '../domain/day.ts';
import type { RunOptions } from '../domain/run-options.ts';
import type { LoadDate } from '../domain/load-date.ts';

/** What a run knows already when it continues as new, which it does before its history gets long. */
export interface Checkpoint {
  /** ISO instant at which the first of these runs began. */
  startedAt: string;
  /** Orders the outcome among those of other runs; absent before the date is claimed. */
  number?: number;
  taskId?: string;
  report?: Report | ReportRef;
  /** Milliseconds since 1970; absent until the wait has begun. */
  reportDeadline?: number;
  filesDeadline?: number;
  /** Files that a person has accepted as missing. */
  accepted: string[];
  lateAlertSent: boolean;
  /** The run of the same date that this one waits for. */
  waitedFor?: Holder;
  /** A person has been told that it makes no progress. */
  blockedAlertSent?: boolean;
}

/** The input of the workflow `salesIncrement`; `{"loadDate": "2024-02-25"}` is enough, from the UI for instance. */
export interface SalesIncrementInput {
  /** YYYY-MM-DD; a scheduled run has none and takes it from the time at which it was due. */
  loadDate?: LoadDate | undefined;
  /** What shapes the run; what is absent comes from the worker's settings. */
  options?: Partial<RunOptions> | undefined;
  /** A report that is finished already, shared by the days of a backfill. */
  report?: ReportRef | undefined;
  /** How the load date of a scheduled run follows from the time at which it was due. */
  schedule?: { timeZone: string; offsetDays: number } | undefined;
  /** Only these files, e.g. to stage one of a day again; all when absent. */
  files?: string[] | undefined;
  checkpoint?: Checkpoint | undefined;
}

/** The input of the workflow `salesHistory`; `{}` is enough. */
export interface SalesHistoryInput {
  options?: Partial<RunOptions> | undefined;
  checkpoint?: Checkpoint | undefined;
}

/** The input of the workflow `salesBackfill`. */
export interface SalesBackfillInput {
  /** First and last day, YYYY-MM-DD, both included. */
  from: LoadDate;
  to: LoadDate;
  /** How many days are loaded side by side. */
  concurrency: number;
  /** Leave out the days that are loaded already. */
  onlyMissing?: boolean;
  options?: Partial<RunOptions>;
  /** Days after which the workflow continues as new; smaller in tests. */
  daysPerRun?: number;
  checkpoint?: BackfillCheckpoint;
}

export interface BackfillCheckpoint {
  next: LoadDate;
  report?: ReportRef;
  reportDeadline?: number;
  taskId?: string;
  paused: boolean;
  counts: BackfillCounts;
}

export interface BackfillCounts {
  loaded: number;
  no_increment: number;
  failed: number;
}
