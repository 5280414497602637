import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createActivities, type Activities } from '../../activities/index.ts';
import { Database } from '../../database/database.ts';
import { createPool } from '../../database/pool.ts';
import { Downloader } from '../../pipeline/extract/download.ts';
import { FileAddresses } from '../../pipeline/extract/file-address.ts';
import { Landing } from '../../pipeline/extract/landing.ts';
import { ReportApi } from '../../pipeline/extract/report-api.ts';
import type { CheckedFile, LandedFile } from '../../domain/day.ts';
import { ORDERS, type Delivery } from '../../domain/feeds.ts';

export const DELIVERY: Delivery = { loadDate: '2024-02-25', source: 'increment' };
const FILE = { ...DELIVERY, feed: ORDERS };
export const MART_STEPS = ['updateDCity', 'updateDItem', 'updateDCustomer', 'updateFSales'] as const;
export type MartStep = (typeof MART_STEPS)[number];

/** The steps of a day that work with the database, as the worker runs them, without Temporal and the report API. */
export class Steps {
  readonly #activities: Activities;
  readonly #landing: Landing;
  readonly #close: () => Promise<unknown>;

  private constructor(activities: Activities, landing: Landing, close: () => Promise<unknown>) {
    this.#activities = activities;
    this.#landing = landing;
    this.#close = close;
  }

  static async create(databaseUrl: string): Promise<Steps> {
    const directory = await mkdtemp(path.join(tmpdir(), 'chaos-steps-'));
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
    const landing = new Landing(directory);
    const activities = createActivities({
      database: new Database(pool),
      reportApi,
      downloader,
      landing,
      landingTaskQueue: '',
      defaultRunOptions: {
        reportPollIntervalMs: 1,
        reportTimeoutMs: 1,
        filesTimeoutMs: 1,
        optionalFiles: [],
        maxRejectedShare: 1,
        lateAfterMs: 0,
        volumeAlertShare: 0,
      },
      alerts: { webhookUrl: undefined, temporalUiUrl: '', namespace: '' },
      now: () => new Date(),
    });
    return new Steps(activities, landing, async () => {
      await Promise.all([pool.end(), downloader.close(), reportApi.close()]);
      await rm(directory, { recursive: true });
    });
  }

  async close(): Promise<void> {
    await this.#close();
  }

  /** Checks a file of orders, so that it can be staged. */
  async check(csv: string, deliveryNumber: number): Promise<CheckedFile> {
    const target = this.#landing.csvPath(FILE);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, csv);
    const sha256 = createHash('sha256').update(csv).digest('hex');
    const file: LandedFile = { ...FILE, deliveryNumber, bytes: Buffer.byteLength(csv), sha256, warnings: [] };
    return (await inActivity(() => this.#activities.checkFile(file, 1))) as CheckedFile;
  }

  async stage(file: CheckedFile): Promise<void> {
    await inActivity(() => this.#activities.stageFile(file));
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

  async load(file: CheckedFile): Promise<void> {
    await this.stage(file);
    for (const step of MART_STEPS) await this.update(step);
  }
}

async function inActivity(work: () => Promise<unknown>): Promise<unknown> {
  const logger = new DefaultLogger('ERROR');
  return await new MockActivityEnvironment(undefined, { logger }).run(work);
}
