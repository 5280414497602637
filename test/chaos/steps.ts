import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createActivities, type Activities } from '../../activities/index.ts';
import { Database } from '../../database/database.ts';
import { createPool } from '../../database/pool.ts';
import { Downloader } from '../../pipeline/extract/download.ts';
import { FileAddresses } from '../../pipeline/extract/file-address.ts';
import { Landing } from '../../pipeline/extract/landing.ts';
import { ReportApi } from '../../pipeline/extract/report-api.ts';
import { landRows } from '../../pipeline/load/land-rows.ts';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile } from '../../pipeline/validate/check-file.ts';
import { chunksOf } from '../pipeline/support.ts';
import type { LandedFile } from '../../domain/day.ts';
import { ORDERS, type Delivery } from '../../domain/feeds.ts';
import { runOptions } from '../../runtime/run-options.ts';

export const DELIVERY: Delivery = { loadDate: '2024-02-25', source: 'increment' };
const FILE = { ...DELIVERY, feed: ORDERS };
export const MART_STEPS = ['updateDimensions', 'updateFSales'] as const;
export type MartStep = (typeof MART_STEPS)[number];

/** The steps of a day that work with the database, as the worker runs them, without Temporal and the report API. */
export class Steps {
  readonly #activities: Activities;
  readonly #database: Database;
  readonly #close: () => Promise<unknown>;

  private constructor(activities: Activities, database: Database, close: () => Promise<unknown>) {
    this.#activities = activities;
    this.#database = database;
    this.#close = close;
  }

  static create(databaseUrl: string): Steps {
    const pool = createPool({
      connectionString: databaseUrl,
      applicationName: 'chaos steps',
      maxConnections: 2,
      onIdleError: () => undefined,
    });
    const baseUrl = 'http://127.0.0.1:9';
    const limits = { maxBytes: 1e9, idleTimeoutMs: 1_000, minBytesPerIdleTimeout: 1 };
    const downloader = new Downloader(limits, new FileAddresses(baseUrl));
    const access = { apiKey: '', nickname: '', cohort: '', timeoutMs: 1_000 };
    const reportApi = new ReportApi({ baseUrl, ...access });
    const database = new Database(pool);
    const activities = createActivities({
      database,
      reportApi,
      downloader,
      landing: new Landing(tmpdir()),
      defaultRunOptions: runOptions({}),
      alerts: { webhookUrl: undefined, temporalUiUrl: '', namespace: '' },
    });
    return new Steps(activities, database, () =>
      Promise.all([pool.end(), downloader.close(), reportApi.close()]),
    );
  }

  async close(): Promise<void> {
    await this.#close();
  }

  /** What `landFile` does with a file of orders when it is in. */
  async land(csv: string, deliveryNumber: number): Promise<LandedFile> {
    const rows = new CheckedRows(tmpdir(), deliveryNumber);
    const content = Buffer.from(csv);
    try {
      const checked = await checkFile(chunksOf(content), ORDERS, rows, { maxRejectedShare: 1 });
      const sha256 = createHash('sha256').update(content).digest('hex');
      const file = { ...FILE, deliveryNumber, bytes: content.length, sha256, ...checked };
      await landRows(this.#database, file, rows, new AbortController().signal);
      return file;
    } finally {
      await rows.close();
    }
  }

  async stage({ loadDate, source, feed, deliveryNumber }: LandedFile): Promise<void> {
    await inActivity(() => this.#activities.stageFile({ loadDate, source, feed, deliveryNumber }));
  }

  async update(step: MartStep): Promise<void> {
    const request = {
      files: [],
      volumeAlertShare: 0,
      number: 0,
      startedAt: '2024-02-26T05:00:00.000Z',
      acceptedMissing: [],
    };
    const activities = this.#activities;
    await inActivity(async () => {
      if (step === 'updateFSales') await activities.updateFSales(DELIVERY, request);
      else await activities[step](DELIVERY);
    });
  }

  async load(file: LandedFile): Promise<void> {
    await this.stage(file);
    for (const step of MART_STEPS) await this.update(step);
  }
}

async function inActivity(work: () => Promise<unknown>): Promise<unknown> {
  const logger = new DefaultLogger('ERROR');
  return await new MockActivityEnvironment(undefined, { logger }).run(work);
}
