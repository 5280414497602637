import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Database } from '../../database/database.ts';
import { createPool } from '../../database/pool.ts';
import { migrateDatabase } from '../services/migrate-database.ts';
import { startPostgres } from '../services/postgres.ts';

/** A PostgreSQL of its own, durable as in production. */
export interface BenchServer {
  directory: string;
  /** A database with the schema. */
  template: string;
  /** A new database with the schema, for the work only. */
  inNewDatabase<T>(work: (url: string) => Promise<T>): Promise<T>;
}

/** For a machine of a few gigabytes. */
const SETTINGS = {
  shared_buffers: '2GB',
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
  work_mem: '64MB',
};

/** Starts one for the work and removes it afterwards. */
export async function withServer(work: (server: BenchServer) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sales-increment-bench-'));
  try {
    const [dataDir, logFile] = [path.join(directory, 'postgres'), path.join(directory, 'postgres.log')];
    const postgres = await startPostgres({ dataDir, logFile, settings: SETTINGS });
    try {
      const template = await migrateDatabase(await postgres.createApplicationDatabase('bench'));
      const inNewDatabase: BenchServer['inNewDatabase'] = async (use) => {
        const url = await postgres.createApplicationDatabase('copy', 'bench');
        return await use(url).finally(() => postgres.dropDatabase('copy'));
      };
      await work({ directory, template, inNewDatabase });
    } finally {
      await postgres.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
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
