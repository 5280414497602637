import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createPool } from '../../database/pool.ts';
import { migrate } from '../../database/migrate.ts';
import { startPostgres } from '../services/postgres.ts';

export interface BenchServer {
  directory: string;
  /** A new database with the schema; its URL. */
  database(): Promise<string>;
  drop(url: string): Promise<void>;
  close(): Promise<void>;
}

/** A PostgreSQL of its own, durable as in production, with settings that suit a machine of a few gigabytes. */
export async function startBenchServer(): Promise<BenchServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sales-increment-bench-'));
  const postgres = await startPostgres({
    dataDir: path.join(directory, 'postgres'),
    logFile: path.join(directory, 'postgres.log'),
    settings: { shared_buffers: '2GB', max_wal_size: '8GB', checkpoint_timeout: '30min', work_mem: '64MB' },
  });
  const template = await postgres.createApplicationDatabase('bench');
  const pool = createPool({
    connectionString: template,
    applicationName: 'bench',
    maxConnections: 1,
    onIdleError: console.error,
  });
  await migrate(pool);
  await pool.end();
  let made = 0;
  return {
    directory,
    database: () => postgres.createDatabase(`bench_${(made += 1)}`, 'bench', 'bench'),
    drop: (url) => postgres.dropDatabase(new URL(url).pathname.slice(1)),
    async close() {
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
