import type { Database } from '../database/database.ts';
import type { Downloader } from '../pipeline/extract/download.ts';
import type { Landing } from '../pipeline/extract/landing.ts';
import type { ReportApi } from '../pipeline/extract/report-api.ts';
import type { RunOptions } from '../domain/day.ts';

/** What the activities work with; the worker makes it from its settings, a test from its own servers. */
export interface ActivityDependencies {
  database: Database;
  reportApi: ReportApi;
  downloader: Downloader;
  landing: Landing;
  /** Polled only by workers that see this landing directory. */
  landingTaskQueue: string;
  /** For runs that were started without options, from the Temporal UI for instance. */
  defaultRunOptions: RunOptions;
  /** Whom to tell about days that fail or are late, and the link that the message holds. */
  alerts: { webhookUrl: string | undefined; temporalUiUrl: string; namespace: string };
  /** Landed days that nobody has touched for this long are removed, in milliseconds. */
  landingRetentionMs: number;
  /** The clock. */
  now: () => Date;
}

export interface RunRef {
  workflowId: string;
  runId: string;
}
