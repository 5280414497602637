import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { workflowIds } from '../../domain/workflow-ids.ts';
import { addDays, dayOf, isLoadDate } from '../../domain/load-date.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { SAMPLE_CREDENTIALS } from '../sample-api/credentials.ts';
import { startService, untilReady, type Service } from '../services/child-process.ts';
import { messageOf } from '../../domain/text.ts';
import { freePort, LOCALHOST, portAnswers, portInUse } from '../services/ports.ts';
import { psqlEnvironment } from '../services/postgres-databases.ts';
import { startPostgres } from '../services/postgres.ts';
import { findTemporalCli } from '../services/temporal-cli.ts';
import { startTemporalServer } from '../services/temporal-server.ts';
import type { StackOptions } from './options.ts';
import { showMart } from './show-mart.ts';
import { lockState, writeShellFile } from './state.ts';

const NODE_TS = ['--import', './runtime/register.js'];
const TEMPORAL_PORT = 7233;
const UI_PORT = 8233;

/** Everything that the product needs, on this machine; stopped in the opposite order of its start. */
export class Stack {
  readonly #options: StackOptions;
  readonly #print: (line: string) => void;
  readonly #stops: (() => Promise<unknown>)[] = [];
  /** For the worker, the client, and a shell. */
  readonly #environment: Record<string, string> = { ...SAMPLE_CREDENTIALS };
  readonly #state: string;
  #uiUrl = '';
  #workerPid = 0;
  #date = '';
  #fail: (error: Error) => void = () => undefined;
  #isStopping = false;
  /** Rejects when a service ends without having been stopped. */
  readonly broken = new Promise<never>((_, reject) => (this.#fail = reject));

  constructor(options: StackOptions, print: (line: string) => void) {
    this.#options = options;
    this.#print = print;
    this.#state = path.resolve(projectRoot, options.state);
    // It may reject before anybody waits for it.
    this.broken.catch(() => undefined);
  }

  async start(): Promise<void> {
    this.#date = this.#options.date ?? (await defaultDate(this.#options.data));
    this.#stops.push(await lockState(this.#state));
    await Promise.all([
      this.#step('Temporal dev server', () => this.#startTemporal()),
      this.#step('PostgreSQL', () => this.#startPostgres()),
      this.#step('Sample report API', () => this.#startSampleApi()),
    ]);
    await Promise.all([
      this.#step('Schema', () => this.#client(['migrate'])),
      this.#step('Search attributes', () => this.#client(['search-attributes'])),
    ]);
    await Promise.all([
      this.#step('Worker', () => this.#startWorker()),
      this.#step('Schedule', () => this.#client(['schedule', 'apply', '--paused'])),
    ]);
  }

  /** Loads one day through the client and shows what is in the mart. */
  async runDay(): Promise<void> {
    this.#print(`\nLoading ${this.#date}:`);
    await this.#client(['run', '--date', this.#date], 'inherit');
    this.#print(await showMart(this.#environment.DATABASE_URL ?? ''));
    const workflowId = workflowIds(process.env.TEMPORAL_TASK_QUEUE ?? 'sales-increment').day(this.#date);
    this.#print(`\nThe run in the Temporal UI: ${this.#uiUrl}/namespaces/default/workflows/${workflowId}`);
  }

  /** What a person can try next. */
  async explain(): Promise<void> {
    const shown = (file: string) => path.relative(process.cwd(), file) || '.';
    const shellFile = await writeShellFile(this.#state, this.#environment);
    this.#print(`
Logs and landed files: ${shown(this.#state)}

Try in another terminal:
  source ${shown(shellFile)}   # the addresses, and the password of the database
  psql
  npm run client -- status
  npm run client -- run --date ${addDays(this.#date, -1)}
  npm run client -- --help
Kill the worker while a day runs (kill -9 ${this.#workerPid}), start it again with: npm run worker

Everything stays up until Ctrl-C.`);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  /** Runs one step; an error names it. */
  async #step(name: string, work: () => Promise<string>): Promise<void> {
    const started = performance.now();
    try {
      const detail = await work();
      const seconds = ((performance.now() - started) / 1_000).toFixed(1);
      this.#print(`${name.padEnd(20)} ${detail} (${seconds} s)`);
    } catch (error) {
      throw new Error(`${name}: ${messageOf(error)}`, { cause: error });
    }
  }

  async #startTemporal(): Promise<string> {
    const cli = await findTemporalCli({ log: this.#print });
    const start = (ports: { port?: number; uiPort?: number }) =>
      startTemporalServer({
        ...ports,
        cliPath: cli.path,
        dbFile: path.join(this.#state, 'temporal.db'),
        logFile: this.#log('temporal'),
      });
    const usual = { port: await preferredPort(TEMPORAL_PORT), uiPort: await preferredPort(UI_PORT) };
    // Another stack that starts at this moment may take one of them first.
    const temporal = await start(usual).catch(() => start({}));
    this.#keep('the Temporal dev server', temporal);
    this.#environment.TEMPORAL_ADDRESS = temporal.address;
    this.#uiUrl = temporal.uiUrl ?? '';
    return `${temporal.address}, UI ${this.#uiUrl}`;
  }

  async #startPostgres(): Promise<string> {
    if (process.env.DATABASE_URL) {
      this.#environment.DATABASE_URL = process.env.DATABASE_URL;
      return 'the server of DATABASE_URL';
    }
    const postgres = await startPostgres({
      dataDir: path.join(this.#state, 'postgres'),
      logFile: this.#log('postgres'),
    });
    this.#keep('PostgreSQL', postgres);
    const url = await postgres.createApplicationDatabase('sales');
    Object.assign(this.#environment, { DATABASE_URL: url, ...psqlEnvironment(url) });
    return `${LOCALHOST}:${postgres.port}`;
  }

  async #startSampleApi(): Promise<string> {
    const { data, orders } = this.#options;
    const port = await freePort();
    const args = ['--port', String(port)];
    if (data !== undefined) args.push('--data', data);
    if (orders !== undefined) args.push('--orders', String(orders));
    const name = 'the sample report API';
    const service = await this.#startNode(name, ['dev/sample-api/main.ts', ...args], 'sample-api');
    this.#keep(name, service);
    // Not portInUse, which listens on the port itself for a moment.
    await untilReady(service, 15_000, () => portAnswers(port));
    this.#environment.REPORT_API_URL = `http://${LOCALHOST}:${port}`;
    return `http://${LOCALHOST}:${port}, serving ${data ?? 'generated data'}`;
  }

  async #startWorker(): Promise<string> {
    this.#environment.LANDING_DIR = process.env.LANDING_DIR ?? path.join(this.#state, 'landing');
    this.#environment.REPORT_POLL_INTERVAL = process.env.REPORT_POLL_INTERVAL ?? '1s';
    const worker = await this.#startNode('the worker', ['worker.ts'], 'worker');
    this.#stops.push(() => worker.stop());
    await untilReady(worker, 60_000, async () => (await worker.lastLines(3)).includes('worker started'));
    // Not the end of the stack: to kill the worker is one of the things to try.
    void worker.exited.then(() => {
      if (!this.#isStopping) this.#print('The worker has ended. Start it again with: npm run worker');
    });
    this.#workerPid = worker.pid;
    return `polling, process ${worker.pid}`;
  }

  async #startNode(name: string, args: string[], log: string): Promise<Service> {
    return await startService({
      name,
      command: process.execPath,
      args: [...NODE_TS, ...args],
      logFile: this.#log(log),
      env: { ...process.env, ...this.#environment },
      cwd: projectRoot,
    });
  }

  /** Stops a service with the stack, and the stack with a service. */
  #keep(name: string, service: Pick<Service, 'exited' | 'stop'>): void {
    this.#stops.push(() => service.stop());
    void service.exited.then((how) => {
      if (!this.#isStopping)
        this.#fail(new Error(`${name} ended ${how}, unexpectedly; see ${this.#state}/logs.`));
    });
  }

  #log(name: string): string {
    return path.join(this.#state, 'logs', `${name}.log`);
  }

  /** Runs a client command as a person would, and returns what it printed unless the terminal has it. */
  async #client(args: string[], output: 'pipe' | 'inherit' = 'pipe'): Promise<string> {
    const child = spawn(process.execPath, [...NODE_TS, 'client/main.ts', ...args], {
      cwd: projectRoot,
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', output, output],
      // Ctrl-C is for this process alone, which then stops everything in order.
      detached: true,
    });
    this.#stops.push(() => Promise.resolve(child.exitCode === null && child.kill('SIGKILL')));
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code === 0) return printed.trim();
    throw new Error(`client ${args.join(' ')} ended with ${code ?? 'a signal'}. ${printed.trim()}`);
  }
}

/** Yesterday, or the newest day of a directory of real files. */
async function defaultDate(data: string | undefined): Promise<string> {
  if (data === undefined) return addDays(dayOf(new Date(), 'UTC'), -1);
  const folder = path.join(data, 'increment');
  const newest = (await readdir(folder)).filter(isLoadDate).sort().at(-1);
  if (newest === undefined) throw new Error(`${folder} has no folder that is named like a date.`);
  return newest;
}

async function preferredPort(port: number): Promise<number> {
  return (await portInUse(port)) ? await freePort() : port;
}
