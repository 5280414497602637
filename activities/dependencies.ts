import type { Database } from '../database/database.ts';
import type { Downloader } from '../loading/download.ts';
import type { Landing } from '../loading/landing.ts';
import type { ReportApi } from '../report-api/report-api.ts';
import type { RunOptions } from '../shared/day.ts';

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
  /** The clock. */
  now: () => Date;
}

export interface RunRef {
  workflowId: string;
  runId: string;
}
