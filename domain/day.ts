import { fileName } from './feeds.ts';
import type { z } from 'zod';
import type { alertInput, deliveryFileInput, downloadInput, reportRefInput, runInput } from './inputs.ts';
import type { LoadDate } from './load-date.ts';

/** What travels between client, workflow and activities. Plain data: references and counts, never rows. */

/** One execution of a workflow. */
export type RunRef = z.infer<typeof runInput>;

/** A finished report, by which the API gives the increments of all dates. */
export type ReportRef = z.infer<typeof reportRefInput>;

/** One file of a delivery. */
export type DeliveryFile = z.infer<typeof deliveryFileInput>;

/** One download of a file. */
export type Download = z.infer<typeof downloadInput>;

/** A download that has been checked; its rows are in the database, ready to be staged. */
export interface LandedFile extends Download {
  bytes: number;
  sha256: string;
  rowsRead: number;
  rowsRejected: number;
  warnings: string[];
}

/** As in `staging.file_load` and in the documents of the client. */
export interface FileCounts {
  rows_read: number;
  rows_kept: number;
  rows_duplicate: number;
  rows_rejected: number;
}

export interface StagedFile extends DeliveryFile {
  counts: FileCounts;
  warnings: string[];
  /** A newer download was already staged and is kept. */
  superseded: boolean;
}

/** `partial`: some files of a date were loaded, and others that it needs are not there. */
export type DayOutcome = 'loaded' | 'partial' | 'no_increment';

export interface DayResult {
  date: LoadDate;
  outcome: DayOutcome;
  /** By file name. */
  files: Record<string, FileCounts>;
  /** What an operator should know although the run ended well. */
  warnings: string[];
  /** The run that loaded the date while this one waited for it. */
  joined?: RunRef;
  /** The only files that the run was about; absent: all of the date. */
  only?: string[];
}

/** A message to the webhook. */
export type Alert = z.infer<typeof alertInput>;

/** For messages: `user_order_log_inc of 2024-02-25`. */
export function describeFile(file: DeliveryFile): string {
  return `${fileName(file)} of ${file.loadDate}`;
}
