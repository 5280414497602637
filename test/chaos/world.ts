import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { migrateDatabase } from '../../dev/services/migrate-database.ts';
import { freePort } from '../../dev/services/ports.ts';
import { startPostgres, type Postgres, type PostgresOptions } from '../../dev/services/postgres.ts';
import {
  startTemporalServer,
  type TemporalServer,
  type TemporalServerOptions,
} from '../../dev/services/temporal-server.ts';
import { startSampleApi, type SampleApi } from '../../dev/sample-api/server.ts';
import { variable } from '../support/database.ts';
import type { Deliveries } from '../support/deliveries.ts';
import { start, type Running } from '../support/processes.ts';
import { Proxy } from './proxy.ts';

/** A worker process that is started again whenever it ends, as a supervisor would, beside the way to its database. */
export class Supervised {
  readonly proxy: Proxy;
  readonly landingDir: string;
  readonly #environment: Record<string, string>;
  #process: Running | undefined;
  #wanted = true;
  #killed = false;
  #life: Promise<void> = Promise.resolve();
  /** How the worker has ended by itself, which is no part of any fault. */
  readonly endedByItself: string[] = [];

  constructor(proxy: Proxy, landingDir: string, environment: Record<string, string>) {
    this.proxy = proxy;
    this.landingDir = landingDir;
    this.#environment = environment;
  }

  start(): void {
    this.#wanted = true;
    this.#life = this.#live();
  }

  /** Undefined while it is being started. */
  get process(): Running | undefined {
    return this.#process;
  }

  async untilUp(): Promise<Running> {
    for (;;) {
      if (this.#process) return this.#process;
      await sleep(50);
    }
  }

  async kill(): Promise<void> {
    const running = await this.untilUp();
    this.#killed = true;
    this.#process = undefined;
    running.kill('SIGKILL');
  }

  /** Asks it to end and waits; returns its exit code. */
  async stop(): Promise<number | null> {
    const running = await this.untilUp();
    this.#wanted = false;
    running.kill('SIGCONT');
    running.kill('SIGTERM');
    const { code } = await running.ended;
    await this.#life;
    return code;
  }

  async end(): Promise<void> {
    this.#wanted = false;
    this.#process?.kill('SIGKILL');
    await this.#life;
  }

  async #live(): Promise<void> {
    while (this.#isWanted()) {
      const running = start(['worker.ts'], this.#environment);
      const isUp = await running.says('worker started', 60_000).then(
        () => true,
        () => false,
      );
      if (isUp) this.#process = running;
      // Also one that came up when it was no longer wanted; one that did not start is tried again soon.
      if (!isUp || !this.#isWanted()) running.kill('SIGKILL');
      const { code, stderr } = await running.ended;
      this.#process = undefined;
      if (!isUp) await sleep(300);
      else if (this.#isWanted() && !this.#killed) {
        this.endedByItself.push(`code ${code ?? 'none'}: ${stderr.slice(-2_000)}`);
      }
      this.#killed = false;
    }
  }

  /** A method, since it changes while others wait. */
  #isWanted(): boolean {
    return this.#wanted;
  }
}

/** Everything that a fault can meet, of this test alone: servers on ports and files that outlive a kill -9. */
export class World {
  readonly directory: string;
  readonly api: SampleApi;
  readonly client: Client;
  readonly taskQueue = 'chaos';
  readonly workers: readonly Supervised[];
  readonly databaseUrl: string;
  /** Without faults. */
  readonly calmUrl: string;
  readonly #temporalOptions: TemporalServerOptions;
  readonly #postgresOptions: PostgresOptions;
  #temporal: TemporalServer;
  #postgres: Postgres;

  private constructor(parts: {
    directory: string;
    api: SampleApi;
    client: Client;
    workers: readonly Supervised[];
    urls: { chaos: string; calm: string };
    temporal: TemporalServer;
    postgres: Postgres;
    temporalOptions: TemporalServerOptions;
    postgresOptions: PostgresOptions;
  }) {
    this.directory = parts.directory;
    this.api = parts.api;
    this.client = parts.client;
    this.workers = parts.workers;
    this.databaseUrl = parts.urls.chaos;
    this.calmUrl = parts.urls.calm;
    this.#temporal = parts.temporal;
    this.#postgres = parts.postgres;
    this.#temporalOptions = parts.temporalOptions;
    this.#postgresOptions = parts.postgresOptions;
  }

  static async start(deliveries: Deliveries): Promise<World> {
    const directory = await mkdtemp(path.join(tmpdir(), 'chaos-'));
    const temporalOptions: TemporalServerOptions = {
      cliPath: variable('TEMPORAL_CLI'),
      port: await freePort(),
      uiPort: false,
      dbFile: path.join(directory, 'temporal.db'),
      logFile: path.join(directory, 'temporal.log'),
      startLimitMs: 120_000,
    };
    const postgresOptions: PostgresOptions = {
      dataDir: path.join(directory, 'postgres'),
      port: await freePort(),
      logFile: path.join(directory, 'postgres.log'),
      fsync: false,
      settings: { timezone: 'Asia/Kamchatka', max_connections: '100', deadlock_timeout: '200ms' },
      startLimitMs: 120_000,
    };
    const [api, temporal, postgres] = await Promise.all([
      startSampleApi({ source: deliveries }),
      startTemporalServer(temporalOptions),
      startPostgres(postgresOptions),
    ]);
    const urls = {
      calm: await migrateDatabase(await postgres.createApplicationDatabase('calm')),
      chaos: await migrateDatabase(await postgres.createApplicationDatabase('chaos')),
    };
    const client = new Client({ connection: Connection.lazy({ address: temporal.address }) });
    const workers = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const proxy = await Proxy.start(postgres);
        const landingDir = path.join(directory, `landing-${name}`);
        await mkdir(landingDir);
        const own = { DATABASE_URL: proxy.through(urls.chaos), LANDING_DIR: landingDir };
        return new Supervised(proxy, landingDir, { ...environmentOf(api, temporal), ...own });
      }),
    );
    const started = { temporal, postgres, temporalOptions, postgresOptions };
    return new World({ directory, api, client, workers, urls, ...started });
  }

  get environment(): Record<string, string> {
    return environmentOf(this.api, this.#temporal);
  }

  async killTemporal(): Promise<void> {
    await this.#temporal.kill('SIGKILL');
    this.#temporal = await startTemporalServer(this.#temporalOptions);
  }

  async killPostgres(): Promise<void> {
    await this.#postgres.kill9();
    this.#postgres = await startPostgres(this.#postgresOptions);
  }

  /** As the superuser, in the database under faults and past the proxies. */
  async asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const url = new URL(this.#postgres.adminUrl);
    url.pathname = new URL(this.databaseUrl).pathname;
    const client = new pg.Client({ connectionString: url.href });
    client.on('error', () => undefined);
    await client.connect();
    try {
      // The server's default here gives an answer before a commit is written: the end of a fault would be lost with
      // the next kill. That the worker's commits are not is part of what is tested.
      await client.query('set synchronous_commit = on');
      return await work(client);
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.end()));
    await Promise.all(this.workers.map((worker) => worker.proxy.close()));
    await this.client.connection.close();
    await Promise.all([this.#temporal.stop(), this.#postgres.stop(), this.api.close()]);
    await rm(this.directory, { recursive: true, force: true });
  }
}

function environmentOf(api: SampleApi, temporal: TemporalServer): Record<string, string> {
  return {
    REPORT_API_URL: api.url,
    REPORT_API_KEY: 'sample-key',
    REPORT_API_NICKNAME: 'sample',
    REPORT_API_COHORT: '1',
    REPORT_API_TIMEOUT: '3s',
    DOWNLOAD_IDLE_TIMEOUT: '3s',
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_TASK_QUEUE: 'chaos',
  };
}
