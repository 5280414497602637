import type { Database } from '../database/database.ts';
import type { RunOptions } from '../domain/run-options.ts';
import type { Downloader } from '../pipeline/extract/download.ts';
import type { Landing } from '../pipeline/extract/landing.ts';
import type { ReportApi } from '../pipeline/extract/report-api.ts';

/** What the activities work with; the worker makes it from its settings, a test from its own servers. */
export interface ActivityDependencies {
  database: Database;
  reportApi: ReportApi;
  downloader: Downloader;
  landing: Landing;
  /** For runs that were started without options, from the Temporal UI for instance. */
  defaultRunOptions: RunOptions;
  alerts: { webhookUrl: string | undefined; temporalUiUrl: string; namespace: string };
}
