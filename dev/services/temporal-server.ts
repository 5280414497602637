import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { Connection } from '@temporalio/client';

import { type Service, startService, untilReady } from './child-process.ts';
import { freePort, LOCALHOST, portAnswers, usablePort } from './ports.ts';

export interface TemporalServerOptions {
  /** The Temporal CLI, as `findTemporalCli` finds it. */
  cliPath: string;
  /** The port of the gRPC service; a free one when not given. */
  port?: number;
  /** The port of the web UI, or false for a server without; a free one when not given. */
  uiPort?: number | false;
  /** Where the server keeps its state. Without it everything is gone when the server ends. */
  dbFile?: string;
  logFile: string;
  /** Further settings of the server, each `name=value`. */
  dynamicConfig?: readonly string[];
}

export interface TemporalServer extends Service {
  address: string;
  uiUrl: string | undefined;
}

const START_LIMIT_MS = 120_000;
/** Settings whose defaults suit clusters of hundreds of shards, and make a single shard wait. */
const DYNAMIC_CONFIG = [
  // Timers otherwise fire up to a second late.
  'history.timerProcessorMaxTimeShift="10ms"',
  // A shard otherwise looks for new tasks 20 times a second: 50 ms before every step of a workflow.
  'history.transferProcessorMaxPollRPS=1000',
];

/** Starts `temporal server start-dev` and resolves when workflows can be started on it. */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const port = await usablePort('the Temporal server', options.port);
  const uiPort = options.uiPort === false ? false : await usablePort('the Temporal UI', options.uiPort);
  if (options.dbFile !== undefined) await mkdir(dirname(options.dbFile), { recursive: true, mode: 0o700 });

  const httpPort = await freePort();
  const args = ['server', 'start-dev', '--ip', LOCALHOST, '--port', String(port)];
  args.push('--http-port', String(httpPort), '--metrics-port', String(await freePort()));
  args.push(...(uiPort === false ? ['--headless'] : ['--ui-port', String(uiPort)]));
  if (options.dbFile !== undefined) {
    // Safe when a process is killed; only a power cut could lose the last transactions.
    args.push('--db-filename', options.dbFile);
    for (const pragma of ['journal_mode=wal', 'synchronous=1']) args.push('--sqlite-pragma', pragma);
  }
  args.push('--log-level', 'warn', '--color', 'never');
  for (const value of [...DYNAMIC_CONFIG, ...(options.dynamicConfig ?? [])])
    args.push('--dynamic-config-value', value);

  const service = await startService({
    name: 'the Temporal dev server',
    command: options.cliPath,
    args,
    logFile: options.logFile,
    // The CLI reads TEMPORAL_* as a client does; what points our worker to a server must not configure this one.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'))),
  });

  const address = `${LOCALHOST}:${port}`;
  try {
    await untilReady(service, START_LIMIT_MS, async () => {
      // The port wanted may be that of another server, which took it a moment before; this one is nobody else's.
      if (!(await portAnswers(httpPort))) return false;
      if (!(await serves(address))) return false;
      return uiPort === false || (await portAnswers(uiPort));
    });
  } catch (error) {
    await service.stop(2000);
    throw error;
  }

  const uiUrl = uiPort === false ? undefined : `http://${LOCALHOST}:${uiPort}`;
  return Object.assign(service, { address, uiUrl });
}

/** The port is open before the server is whole: it answers, but does not know the namespace yet. */
async function serves(address: string): Promise<boolean> {
  const connection = Connection.lazy({ address });
  try {
    await connection.withDeadline(Date.now() + 2000, () =>
      connection.workflowService.describeNamespace({ namespace: 'default' }),
    );
    return true;
  } catch {
    return false; // the caller tries again until its limit
  } finally {
    await connection.close();
  }
}
