import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Database } from '../../database/database.ts';
import { createPool } from '../../database/pool.ts';
import { migrateDatabase } from '../services/migrate-database.ts';
import { startPostgres, type Postgres } from '../services/postgres.ts';

/** A PostgreSQL of its own, durable as in production, with settings that suit a machine of a few gigabytes. */
export class BenchServer {
  readonly directory: string;
  /** A database with the schema. */
  readonly template: string;
  readonly #postgres: Postgres;
  #made = 0;

  private constructor(directory: string, postgres: Postgres, template: string) {
    this.directory = directory;
    this.#postgres = postgres;
    this.template = template;
  }

  /** Starts one for the work and removes it afterwards. */
  static async use<T>(work: (server: BenchServer) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(path.join(tmpdir(), 'sales-increment-bench-'));
    try {
      const postgres = await startPostgres({
        dataDir: path.join(directory, 'postgres'),
        logFile: path.join(directory, 'postgres.log'),
        settings: {
          shared_buffers: '2GB',
          max_wal_size: '4GB',
          checkpoint_timeout: '30min',
          work_mem: '64MB',
        },
      });
      try {
        const template = await migrateDatabase(await postgres.createApplicationDatabase('bench'));
        return await work(new BenchServer(directory, postgres, template));
      } finally {
        await postgres.stop();
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** A new database with the schema, for the work only. */
  async inNewDatabase<T>(work: (url: string) => Promise<T>): Promise<T> {
    const name = `bench_${(this.#made += 1)}`;
    const url = await this.#postgres.createApplicationDatabase(name, 'bench');
    return await work(url).finally(() => this.#postgres.dropDatabase(name));
  }
}

/** The product's own access to a database, for the work only. */
export async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const pool = createPool({
    connectionString: url,
    applicationName: 'bench',
    maxConnections: 3,
    onIdleError: console.error,
  });
  return await work(new Database(pool)).finally(() => pool.end());
}
