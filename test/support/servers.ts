import path from 'node:path';
import { migrateDatabase } from '../../dev/services/migrate-database.ts';
import { startPostgres } from '../../dev/services/postgres.ts';
import { findTemporalCli } from '../../dev/services/temporal-cli.ts';
import { startTemporalServer } from '../../dev/services/temporal-server.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';

/** The variables by which a test finds the servers that are started for it. */
export type Servers = Record<string, string>;

/** Each server that is started adds a function that stops it to `stops`. */
interface Options {
  directory: string;
  stops: (() => Promise<unknown>)[];
}

/** One PostgreSQL and one Temporal dev server for all test files. */
export async function startDevServers(options: Options): Promise<Servers> {
  const { directory, stops } = options;
  const cli = await findTemporalCli({ log: console.log });
  const temporal = await startTemporalServer({
    cliPath: cli.path,
    uiPort: false,
    logFile: path.join(directory, 'temporal.log'),
    // Runs continue as new when the server advises it, by default at 4,096 events: waiting so long takes minutes.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=500'],
  });
  stops.push(() => temporal.stop());
  const postgres = await startTestPostgres(options);
  await workflowBundle();
  return { TEMPORAL_CLI: cli.path, TEMPORAL_ADDRESS: temporal.address, ...postgres };
}

/** PostgreSQL, with a database with the schema that every test copies. */
async function startTestPostgres({ directory, stops }: Options): Promise<Servers> {
  const postgres = await startPostgres({
    dataDir: path.join(directory, 'postgres'),
    logFile: path.join(directory, 'postgres.log'),
    fsync: false,
    // Far from UTC, so that nothing depends on the server's time zone by luck.
    settings: {
      ...{ timezone: 'Asia/Kamchatka', max_connections: '300' },
      // For the test that has it count in its own database.
      ...{ shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track': 'none' },
    },
  });
  stops.push(() => postgres.stop());
  const template = await migrateDatabase(await postgres.createApplicationDatabase('sales_template'));
  return { TEST_POSTGRES_URL: postgres.adminUrl, TEST_TEMPLATE_URL: template };
}
