import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Connection, isGrpcServiceError } from '@temporalio/client';
import proto from '@temporalio/proto';
import pg from 'pg';

import { type Service, startService, untilReady } from '../../dev/services/child-process.ts';
import { messageOf } from '../../domain/text.ts';
import { freePort, LOCALHOST, portAnswers, portBecomesFree } from '../../dev/services/ports.ts';
import type { TemporalRelease } from './temporal-release.ts';

const execFileAsync = promisify(execFile);

export interface TemporalClusterOptions {
  release: TemporalRelease;
  /** A PostgreSQL server, as a role that may create roles. */
  postgresUrl: string;
  /** For its configuration and its log. */
  directory: string;
  /** Of its two databases, which are made anew, and of the role that owns them; `temporal` when not given. */
  databaseName?: string;
  /** Registered at the start; `default` when not given. */
  namespace?: string;
  /** Mutual TLS on all its ports: the frontend then takes only clients with a certificate of this authority. */
  tls?: ClusterTls;
  /** Server settings that differ from the release's defaults, by their dotted names. */
  dynamicConfig?: Readonly<Record<string, number | string>>;
  /** The longest wait for the server to serve, 60 s when not given. */
  startLimitMs?: number;
}

/** PEM files. The certificate is the server's own, for `localhost`, and also what its parts show each other. */
export interface ClusterTls {
  caFile: string;
  certFile: string;
  keyFile: string;
}

export interface TemporalCluster {
  address: string;
  namespace: string;
  /** Asks the server to end, kills it after ten seconds, and waits until it is gone. Safe to repeat. */
  stop(): Promise<void>;
  /** Ends it at once, and waits until it is gone. */
  kill(signal: 'SIGKILL'): Promise<void>;
  /** After `stop` or `kill`: starts it on the same ports and databases, and waits until it serves. */
  restart(): Promise<void>;
}

const NAME = 'the Temporal server';
const SERVICES = ['frontend', 'history', 'matching', 'worker'] as const;
/** On its task queue the server itself works for a namespace: schedules do nothing without it. */
const SYSTEM_TASK_QUEUE = 'temporal-sys-per-ns-tq';
const RETENTION_MS = 3 * 86_400_000;
/** The fewest that still spread workflows. It can never be changed afterwards; production takes hundreds. */
const SHARDS = 4;
/** An address of numbers is no name in TLS. */
const TLS_NAME = 'localhost';
const GRPC_NOT_FOUND = 5;

/**
 * Starts a released Temporal server as production runs it, with its four services in one process, on PostgreSQL for
 * both workflows and visibility. Resolves when workflows and schedules can be started.
 */
export async function startTemporalCluster(options: TemporalClusterOptions): Promise<TemporalCluster> {
  const { directory, namespace = 'default', databaseName = 'temporal', startLimitMs = 60_000 } = options;
  await mkdir(directory, { recursive: true });
  const database = await createDatabases(options.release.sqlTool, options.postgresUrl, databaseName);
  const ports = new Map<string, Ports>();
  for (const service of SERVICES) {
    ports.set(service, { grpcPort: await freePort(), membershipPort: await freePort() });
  }
  const port = ports.get('frontend')?.grpcPort ?? 0;
  const address = `${LOCALHOST}:${port}`;

  const dynamicConfigFile = join(directory, 'dynamic-config.yaml');
  const overrides = Object.entries(options.dynamicConfig ?? {});
  await writeYaml(
    dynamicConfigFile,
    Object.fromEntries(overrides.map(([name, value]) => [name, [{ value }]])),
  );
  const config = serverConfig({ database, ports, dynamicConfigFile, tls: options.tls });
  await writeYaml(join(directory, 'cluster.yaml'), config);

  const start = async (): Promise<Service> => {
    const args = ['--root', directory, '--config', '.', '--env', 'cluster', '--allow-no-auth', 'start'];
    const service = await startService({
      name: NAME,
      command: options.release.server,
      args,
      logFile: join(directory, 'server.log'),
      // It reads TEMPORAL_* itself; what points our worker to a server must not configure this one.
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'))),
    });
    const connection = Connection.lazy({
      address,
      ...(options.tls && { tls: await clientTls(options.tls) }),
    });
    try {
      await untilReady(
        service,
        NAME,
        startLimitMs,
        async () => (await portAnswers(port)) && (await serves(connection, namespace)),
      );
      return service;
    } catch (error) {
      await service.stop(2000);
      throw error;
    } finally {
      await connection.close();
    }
  };

  let service = await start();
  return {
    address,
    namespace,
    stop: () => service.stop(),
    kill: async (signal) => {
      service.signal(signal);
      await service.exited;
    },
    restart: async () => {
      await service.stop();
      for (const { grpcPort, membershipPort } of ports.values()) {
        for (const used of [grpcPort, membershipPort]) {
          if (!(await portBecomesFree(used, 5000)))
            throw new Error(`Port ${used} of ${NAME} was taken meanwhile.`);
        }
      }
      service = await start();
    },
  };
}

// ---------------------------------------------------------------------------------------------------------
// Databases

/** Where a server keeps everything, in the words of its configuration. */
interface SqlStore {
  pluginName: 'postgres12';
  connectAddr: string;
  user: string;
  password: string;
  databaseName: string;
}

interface Databases {
  workflows: SqlStore;
  visibility: SqlStore;
}

/** Makes the role and, as that role, both databases with the schema of the release. */
async function createDatabases(sqlTool: string, postgresUrl: string, name: string): Promise<Databases> {
  const { hostname, port } = new URL(postgresUrl);
  const password = randomBytes(32).toString('hex');
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    // No superuser: what a managed PostgreSQL gives is enough.
    await client.query(
      `create role ${pg.escapeIdentifier(name)} login createdb password ${pg.escapeLiteral(password)}`,
    );
  } finally {
    await client.end();
  }
  const store = (databaseName: string): SqlStore => ({
    pluginName: 'postgres12',
    connectAddr: `${hostname}:${port}`,
    user: name,
    password,
    databaseName,
  });
  const databases = { workflows: store(name), visibility: store(`${name}_visibility`) };
  await createSchema(sqlTool, databases.workflows, 'postgresql/v12/temporal');
  await createSchema(sqlTool, databases.visibility, 'postgresql/v12/visibility');
  return databases;
}

async function createSchema(sqlTool: string, store: SqlStore, schema: string): Promise<void> {
  const [host = '', port = ''] = store.connectAddr.split(':');
  const common = ['--plugin', store.pluginName, '--endpoint', host, '--port', port, '--user', store.user];
  const commands = [
    ['create-database', '--defaultdb', 'postgres'],
    ['setup-schema', '--version', '0.0'],
    ['update-schema', '--schema-name', schema],
  ];
  for (const command of commands) {
    await execFileAsync(sqlTool, [...common, '--database', store.databaseName, ...command], {
      env: { ...process.env, SQL_PASSWORD: store.password },
    }).catch((error: unknown) => {
      const what = `${command[0] ?? ''} of the Temporal database ${store.databaseName}`;
      throw new Error(`${what} failed: ${messageOf(error)}`, { cause: error });
    });
  }
}

// ---------------------------------------------------------------------------------------------------------
// Configuration

interface Ports {
  grpcPort: number;
  membershipPort: number;
}

interface ConfigParts {
  database: Databases;
  ports: ReadonlyMap<string, Ports>;
  dynamicConfigFile: string;
  tls: ClusterTls | undefined;
}

function serverConfig({ database, ports, dynamicConfigFile, tls }: ConfigParts): object {
  const sql = (store: SqlStore, maxConns: number) => ({
    sql: { ...store, connectProtocol: 'tcp', maxConns, maxIdleConns: maxConns, maxConnLifetime: '1h' },
  });
  const services = [...ports].map(([name, rpc]) => [name, { rpc: { ...rpc, bindOnLocalHost: true } }]);
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'workflows',
      visibilityStore: 'visibility',
      numHistoryShards: SHARDS,
      datastores: { workflows: sql(database.workflows, 20), visibility: sql(database.visibility, 10) },
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: LOCALHOST },
      ...(tls && { tls: serverTls(tls) }),
    },
    services: Object.fromEntries(services) as object,
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `${LOCALHOST}:${ports.get('frontend')?.grpcPort ?? 0}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: dynamicConfigFile, pollInterval: '60s' },
  };
}

function serverTls({ caFile, certFile, keyFile }: ClusterTls): object {
  const server = { certFile, keyFile, requireClientAuth: true, clientCaFiles: [caFile] };
  const client = { serverName: TLS_NAME, rootCaFiles: [caFile] };
  return {
    internode: { server, client },
    frontend: { server, client },
    systemWorker: { certFile, keyFile, client },
  };
}

/** JSON is YAML as well, and needs no care about quotes. */
async function writeYaml(file: string, content: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 }); // it holds a password
}

// ---------------------------------------------------------------------------------------------------------
// Readiness

async function clientTls({ caFile, certFile, keyFile }: ClusterTls) {
  const [serverRootCACertificate, crt, key] = await Promise.all(
    [caFile, certFile, keyFile].map((f) => readFile(f)),
  );
  if (!serverRootCACertificate || !crt || !key) throw new Error('The files of TLS are not complete.');
  return { serverNameOverride: TLS_NAME, serverRootCACertificate, clientCertPair: { crt, key } };
}

/** The port is open long before the services behind it have found each other. Registers the namespace once. */
async function serves(connection: Connection, namespace: string): Promise<boolean> {
  const { workflowService } = connection;
  try {
    return await connection.withDeadline(Date.now() + 5000, async () => {
      try {
        await workflowService.describeNamespace({ namespace });
      } catch (error) {
        if (!isGrpcServiceError(error) || (error.code as number) !== GRPC_NOT_FOUND) throw error;
        await workflowService.registerNamespace({
          namespace,
          workflowExecutionRetentionPeriod: { seconds: (RETENTION_MS / 1_000) as never },
        });
      }
      await workflowService.countWorkflowExecutions({ namespace });
      const { pollers } = await workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: SYSTEM_TASK_QUEUE },
        taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
      });
      return pollers.length > 0;
    });
  } catch (error) {
    // The caller asks again until its time is up.
    if (isGrpcServiceError(error)) return false;
    throw error;
  }
}
