import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { Connection } from '@temporalio/client';

import { type Exit, type Service, startService, untilReady } from './child-process.ts';
import { freePort, LOCALHOST, portAnswers, portBecomesFree, usablePort } from './ports.ts';

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
  /** The longest wait until it serves, 30 s when not given. */
  startLimitMs?: number;
}

export interface TemporalServer {
  address: string;
  uiUrl: string | undefined;
  pid: number;
  /** Asks the server to end, kills it after ten seconds, and waits until it is gone. Safe to repeat. */
  stop(): Promise<void>;
  /** Sends a signal; SIGKILL also waits until the server is gone and its port free. */
  kill(signal: NodeJS.Signals): Promise<void>;
  onExit(callback: (exit: Exit) => void): void;
}

const NAME = 'the Temporal dev server';
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
    name: NAME,
    command: options.cliPath,
    args,
    logFile: options.logFile,
    // The CLI reads TEMPORAL_* as a client does; what points our worker to a server must not configure this one.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'))),
  });

  const address = `${LOCALHOST}:${port}`;
  try {
    await untilReady(service, NAME, options.startLimitMs ?? 30_000, async () => {
      // The port wanted may be that of another server, which took it a moment before; this one is nobody else's.
      if (!(await portAnswers(httpPort))) return false;
      if (!(await serves(address))) return false;
      return uiPort === false || (await portAnswers(uiPort));
    });
  } catch (error) {
    await service.stop(2000);
    throw error;
  }

  return {
    address,
    uiUrl: uiPort === false ? undefined : `http://${LOCALHOST}:${uiPort}`,
    pid: service.pid,
    stop: () => service.stop(),
    kill: (signal) => kill(service, signal, port),
    onExit: (callback) => service.onExit(callback),
  };
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

async function kill(service: Service, signal: NodeJS.Signals, port: number): Promise<void> {
  service.signal(signal);
  if (signal !== 'SIGKILL') return;
  await service.exited;
  await portBecomesFree(port, 2000);
}
