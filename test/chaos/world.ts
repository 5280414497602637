import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { migrateDatabase } from '../../dev/services/migrate-database.ts';
import { freePort } from '../../dev/services/ports.ts';
import { startPostgres } from '../../dev/services/postgres.ts';
import { startTemporalServer } from '../../dev/services/temporal-server.ts';
import { startSampleApi } from '../../dev/sample-api/server.ts';
import { variable } from '../support/database.ts';
import type { Deliveries } from '../support/deliveries.ts';
import { start, type Running } from '../support/processes.ts';
import { Proxy } from './proxy.ts';

/** A worker process that is started again whenever it ends, as a supervisor would, beside the way to its database. */
export class Supervised {
  readonly proxy: Proxy;
  readonly landingDir: string;
  /** How the worker has ended by itself, which is no part of any fault. */
  readonly endedByItself: string[] = [];
  readonly #environment: Record<string, string>;
  readonly #life: Promise<void>;
  #process: Running | undefined;
  #wanted = true;
  #killed = false;

  constructor(proxy: Proxy, landingDir: string, environment: Record<string, string>) {
    this.proxy = proxy;
    this.landingDir = landingDir;
    this.#environment = environment;
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
    await this.#life;
    return (await running.ended).code;
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

export type World = Awaited<ReturnType<typeof startWorld>>;

/** Everything that a fault can meet, of this test alone: servers on ports and files that outlive a kill -9. */
export async function startWorld(deliveries: Deliveries) {
  const directory = await mkdtemp(path.join(tmpdir(), 'chaos-'));
  const temporalOptions = {
    cliPath: variable('TEMPORAL_CLI'),
    port: await freePort(),
    uiPort: false,
    dbFile: path.join(directory, 'temporal.db'),
    logFile: path.join(directory, 'temporal.log'),
  } as const;
  const postgresOptions = {
    dataDir: path.join(directory, 'postgres'),
    port: await freePort(),
    logFile: path.join(directory, 'postgres.log'),
    fsync: false,
    settings: { timezone: 'Asia/Kamchatka', max_connections: '100', deadlock_timeout: '200ms' },
  };
  const api = await startSampleApi({ source: deliveries });
  let temporal = await startTemporalServer(temporalOptions);
  let postgres = await startPostgres(postgresOptions);
  const databaseUrl = await migrateDatabase(await postgres.createApplicationDatabase('chaos'));
  const client = new Client({ connection: Connection.lazy({ address: temporal.address }) });
  const workers = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const proxy = await Proxy.start(databaseUrl);
      const landingDir = path.join(directory, `landing-${name}`);
      await mkdir(landingDir);
      return new Supervised(proxy, landingDir, {
        REPORT_API_URL: api.url,
        REPORT_API_KEY: 'sample-key',
        REPORT_API_NICKNAME: 'sample',
        REPORT_API_COHORT: '1',
        REPORT_API_TIMEOUT: '3s',
        DOWNLOAD_IDLE_TIMEOUT: '3s',
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_TASK_QUEUE: 'chaos',
        DATABASE_URL: proxy.through(databaseUrl),
        LANDING_DIR: landingDir,
      });
    }),
  );
  return {
    api,
    client,
    workers,
    databaseUrl,

    async killTemporal(): Promise<void> {
      temporal.signal('SIGKILL');
      await temporal.exited;
      temporal = await startTemporalServer(temporalOptions);
    },

    async killPostgres(): Promise<void> {
      await postgres.kill9();
      postgres = await startPostgres(postgresOptions);
    },

    /** As the superuser, in the database under faults and past the proxies. */
    async asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
      const url = new URL(postgres.adminUrl);
      url.pathname = new URL(databaseUrl).pathname;
      const admin = new pg.Client({ connectionString: url.href });
      admin.on('error', () => undefined);
      await admin.connect();
      try {
        // The server's default here gives an answer before a commit is written: the end of a fault would be lost with
        // the next kill. That the worker's commits are not is part of what is tested.
        await admin.query('set synchronous_commit = on');
        return await work(admin);
      } finally {
        await admin.end();
      }
    },

    async close(): Promise<void> {
      await Promise.all(workers.map((worker) => worker.end()));
      await Promise.all(workers.map((worker) => worker.proxy.close()));
      await client.connection.close();
      await Promise.all([temporal.stop(), postgres.stop(), api.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
