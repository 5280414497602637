import type { DeliveryKind } from './feeds.ts';
import type { LoadDate } from './load-date.ts';

/** What travels between client, workflow and activities. Plain data: references and counts, never rows. */

/** What shapes a run. It travels with the run, since client and worker may have different environments. */
export interface RunOptions {
  reportPollIntervalMs: number;
  reportTimeoutMs: number;
  filesTimeoutMs: number;
  optionalFiles: string[];
  maxRejectedShare: number;
  /** A person is told when a day takes longer; 0: never. */
  lateAfterMs: number;
}

/** Which delivery: a day's increment, or history (the full report) under its start_day. */
export interface DeliveryRef {
  loadDate: LoadDate;
  kind: DeliveryKind;
}

/** A file on the landing disk of the worker that downloaded it. */
export interface LandedFile {
  file: string;
  /** Greater means asked for later. */
  delivery: number;
  bytes: number;
  sha256: string;
}

/** A landed file that was checked; its good rows wait beside it. */
export interface CheckedFile extends LandedFile {
  rowsRead: number;
  rowsRejected: number;
  rowsPrepared: number;
  warnings: string[];
}

export interface FileCounts {
  rows_read: number;
  rows_kept: number;
  rows_duplicate: number;
  rows_rejected: number;
}

export interface StagedFile {
  file: string;
  counts: FileCounts;
  warnings: string[];
  /** A newer download was staged already, which this one does not replace. */
  superseded: boolean;
}

export type DayOutcome = 'loaded' | 'no_increment';

export interface DayResult {
  date: LoadDate;
  outcome: DayOutcome;
  files: Record<string, FileCounts>;
  /** What a person should know though the day is loaded. */
  warnings: string[];
  /** Set when another run was loading the date, and its result was taken. */
  joined?: { workflowId: string; runId: string };
}

/** What a person is told about a day. */
export interface Alert {
  kind: 'late' | 'failed';
  loadDate: LoadDate;
  error: string;
  errorType?: string;
}
