import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { generatedSource } from '../../dev/sample-api/generated-source.ts';
import { startSampleApi, type SampleApi } from '../../dev/sample-api/server.ts';
import { startService, untilReady, type Exit } from '../../dev/services/child-process.ts';
import {
  startTemporalCluster,
  type TemporalCluster,
  type TemporalClusterOptions,
} from './temporal-cluster.ts';
import { findTemporalRelease } from './temporal-release.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { createTestDatabase, variable, type TestDatabase } from '../support/database.ts';
import * as processes from '../support/processes.ts';

/** Not `default`: that every part of the product asks for its namespace is tested along the way. */
export const NAMESPACE = 'sales';

/** A released Temporal server and the sample report API, of one test file. */
export class World {
  readonly directory: string;
  readonly cluster: TemporalCluster;
  readonly api: SampleApi;
  readonly client: Client;
  readonly #shops: Shop[] = [];

  private constructor(directory: string, cluster: TemporalCluster, api: SampleApi, client: Client) {
    this.directory = directory;
    this.cluster = cluster;
    this.api = api;
    this.client = client;
  }

  /** `name` is that of the cluster's database, which other test files must not have. */
  static async start(
    name: string,
    options: Pick<TemporalClusterOptions, 'tls'> & { connection?: ConnectionOptions } = {},
  ): Promise<World> {
    const { connection, ...more } = options;
    const directory = await mkdtemp(path.join(tmpdir(), 'cluster-'));
    const cluster = await startTemporalCluster({
      release: await findTemporalRelease({ log: () => undefined }),
      postgresUrl: variable('TEST_POSTGRES_URL'),
      directory: path.join(directory, 'temporal'),
      databaseName: name,
      namespace: NAMESPACE,
      ...more,
    });
    const api = await startSampleApi({ source: generatedSource() });
    const client = new Client({
      connection: Connection.lazy({ address: cluster.address, ...connection }),
      namespace: NAMESPACE,
    });
    return new World(directory, cluster, api, client);
  }

  /** One more installation of the product on this cluster: a database, a task queue. */
  async shop(name: string, options: { emptyDatabase?: boolean; settings?: Record<string, string> } = {}) {
    const db = await createTestDatabase({ empty: options.emptyDatabase ?? false });
    const shop = new Shop(this, name, db, options.settings ?? {});
    this.#shops.push(shop);
    return shop;
  }

  async close(): Promise<void> {
    for (const shop of this.#shops) await shop.close();
    await this.client.connection.close();
    await this.cluster.stop();
    await this.api.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A worker process with a landing directory of its own. */
export interface WorkerProcess {
  /** How it has ended, or undefined while it runs. */
  exit(): Exit | undefined;
  /** Ends it and waits until it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<Exit>;
  /** The days that it has landed files of. */
  landedDays(): Promise<string[]>;
}

/** The product as it is installed somewhere: all that its processes share. */
export class Shop {
  readonly db: TestDatabase;
  readonly taskQueue: string;
  readonly environment: Record<string, string>;
  readonly #world: World;
  readonly #clients: processes.Running[] = [];
  readonly #workers: (() => Promise<Exit>)[] = [];

  constructor(world: World, name: string, db: TestDatabase, settings: Record<string, string>) {
    this.db = db;
    this.taskQueue = name;
    this.#world = world;
    this.environment = {
      REPORT_API_URL: world.api.url,
      REPORT_API_KEY: 'sample-key',
      REPORT_API_NICKNAME: 'sample',
      REPORT_API_COHORT: '1',
      REPORT_POLL_INTERVAL: '100ms',
      DATABASE_URL: db.url,
      TEMPORAL_ADDRESS: world.cluster.address,
      TEMPORAL_NAMESPACE: NAMESPACE,
      TEMPORAL_TASK_QUEUE: name,
      ...settings,
    };
  }

  /** Starts a worker process and waits until it polls. It does not outlive this process. */
  async startWorker(name: string): Promise<WorkerProcess> {
    const landingDir = path.join(this.#world.directory, `landing-${this.taskQueue}-${name}`);
    await mkdir(landingDir);
    const service = await startService({
      name: `worker ${name}`,
      command: process.execPath,
      args: ['--import', './runtime/register.js', 'worker.ts'],
      logFile: path.join(this.#world.directory, `worker-${this.taskQueue}-${name}.log`),
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.environment, LANDING_DIR: landingDir },
      cwd: projectRoot,
    });
    let isWanted = true;
    const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
      isWanted = false;
      service.signal(signal);
      return await service.exited;
    };
    this.#workers.push(() => end('SIGTERM'));
    // Otherwise a test would wait until its time is up, and not know for what.
    service.onExit(({ code }) => {
      if (!isWanted) return;
      void service.lastLines().then((lines) => {
        console.error(`Worker ${name} has ended by itself with ${code ?? 'a signal'}: ${lines}`);
      });
    });
    await untilReady(service, `worker ${name}`, 60_000, async () =>
      (await service.lastLines(50)).includes('worker started'),
    );
    const landedDays = async () =>
      (await readdir(landingDir)).filter((entry) => /^\d{4}-/.test(entry)).sort();
    return { exit: () => service.exit(), end, landedDays };
  }

  /** Runs a client command with --json to its end, which must be good; returns its document. */
  async run<Document extends object>(...args: string[]): Promise<Document> {
    return documentOf(await this.begin(args).ended) as Document;
  }

  /** The same without waiting for it. It does not outlive the shop. */
  begin(args: readonly string[], environment = this.environment): processes.Running {
    const running = processes.start(['client/main.ts', ...args, '--json'], environment);
    this.#clients.push(running);
    return running;
  }

  async loadedDays(): Promise<string[]> {
    const { rows } = await this.db.pool.query<{ load_date: string }>(
      "select load_date from staging.day_load where outcome = 'loaded' order by load_date",
    );
    return rows.map((row) => row.load_date);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.kill('SIGKILL');
    await Promise.all(this.#clients.map((client) => client.ended));
    await Promise.all(this.#workers.map((end) => end()));
    await this.db.drop();
  }
}

/** The one document that a client command has printed; an error when it has not ended with 0. */
export function documentOf({ code, stdout, stderr }: processes.Ended): object {
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  return JSON.parse(stdout) as object;
}

export function secondsSince(started: number): string {
  return `${((performance.now() - started) / 1_000).toFixed(1)} s`;
}
