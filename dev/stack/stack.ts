import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { projectRoot } from '../../runtime/project-root.ts';
import { addDays, dayOf, isLoadDate } from '../../domain/load-date.ts';
import { workflowIds } from '../../client/workflow-ids.ts';
import { startService, untilReady, type Service } from '../services/child-process.ts';
import { freePort, portInUse } from '../services/ports.ts';
import { startPostgres } from '../services/postgres.ts';
import { findTemporalCli } from '../services/temporal-cli.ts';
import { startTemporalServer, type TemporalServer } from '../services/temporal-server.ts';
import type { StackOptions } from './options.ts';
import { showMart } from './show-mart.ts';
import { lockState } from './state-lock.ts';

const NODE_TS = ['--import', 'tsx'];
const SAMPLE = { REPORT_API_KEY: 'sample-key', REPORT_API_NICKNAME: 'sample', REPORT_API_COHORT: '1' };
const TEMPORAL_PORT = 7233;
const UI_PORT = 8233;

/** Everything that the product needs, on this machine; stopped in the opposite order of its start. */
export class Stack {
  readonly #options: StackOptions;
  readonly #say: (line: string) => void;
  readonly #stops: (() => Promise<unknown>)[] = [];
  readonly #environment: Record<string, string> = {};
  readonly #state: string;
  #temporal: TemporalServer | undefined;
  #date = '';
  #fail: (error: Error) => void = () => undefined;
  /** Rejects when a service ends that nobody has stopped. */
  readonly broken = new Promise<never>((_, reject) => (this.#fail = reject));
  #stopping = false;

  constructor(options: StackOptions, say: (line: string) => void) {
    this.#options = options;
    this.#say = say;
    this.#state = path.resolve(projectRoot, options.state);
    // Told by whoever awaits it; nobody may.
    this.broken.catch(() => undefined);
  }

  async start(): Promise<void> {
    this.#date = await this.#chooseDate();
    this.#stops.push(await lockState(this.#state));
    await this.#step('Temporal dev server', () => this.#startTemporal());
    await this.#step('PostgreSQL', () => this.#startPostgres());
    await this.#step('Sample report API', () => this.#startSampleApi());
    await this.#step('Schema', () => this.#client(['migrate'], 'quiet'));
    await this.#step('Search attributes', () => this.#client(['search-attributes'], 'quiet'));
    await this.#step('Worker', () => this.#startWorker());
    await this.#step('Schedule', () => this.#client(['schedule', 'apply', '--paused'], 'quiet'));
  }

  /** Loads one day through the client and shows what is in the mart. */
  async runDay(): Promise<void> {
    this.#say(`\nLoading ${this.#date}:`);
    await this.#client(['run', '--date', this.#date], 'show');
    this.#say(await showMart(this.#databaseUrl));
    const ui = this.#temporal?.uiUrl;
    const workflowId = workflowIds(process.env.TEMPORAL_TASK_QUEUE ?? 'sales-increment').day(this.#date);
    if (ui) this.#say(`\nThe run in the Temporal UI: ${ui}/namespaces/default/workflows/${workflowId}`);
  }

  /** What a person can try next. */
  async explain(): Promise<void> {
    const quoted = Object.entries(this.#environment).map(([name, value]) => `export ${name}='${value}'`);
    this.#say(`
The database: psql '${this.#databaseUrl}'
Logs and landed files: ${path.relative(process.cwd(), this.#state) || '.'}

Try in another terminal:
${quoted.map((line) => `  ${line}`).join('\n')}
  npm run client -- status
  npm run client -- run --date ${addDays(this.#date, -1)}
  npm run client -- --help
Kill the worker while a day runs (kill -9 $(pgrep -f worker.ts)), start it again with: npm run worker

Everything stays up until Ctrl-C.`);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const stop of this.#stops.reverse()) await stop();
    this.#stops.length = 0;
  }

  get #databaseUrl(): string {
    return this.#environment.DATABASE_URL ?? '';
  }

  /** Runs one step; an error says which step it was. */
  async #step(name: string, work: () => Promise<string>): Promise<void> {
    const started = performance.now();
    try {
      const detail = await work();
      const seconds = ((performance.now() - started) / 1_000).toFixed(1);
      this.#say(`${name.padEnd(20)} ${detail} (${seconds} s)`);
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  async #chooseDate(): Promise<string> {
    if (this.#options.date !== undefined) return this.#options.date;
    if (this.#options.data === undefined) return addDays(dayOf(new Date(), 'UTC'), -1);
    const folder = path.join(this.#options.data, 'increment');
    const newest = (await readdir(folder)).filter(isLoadDate).sort().at(-1);
    if (newest === undefined) throw new Error(`${folder} has no folder that is named like a date.`);
    return newest;
  }

  async #startTemporal(): Promise<string> {
    const cli = await findTemporalCli({ say: this.#say });
    this.#temporal = await startTemporalServer({
      cliPath: cli.path,
      port: await preferredPort(TEMPORAL_PORT),
      uiPort: await preferredPort(UI_PORT),
      dbFile: path.join(this.#state, 'temporal.db'),
      logFile: path.join(this.#state, 'logs', 'temporal.log'),
    });
    this.#watch('the Temporal dev server', this.#temporal);
    this.#environment.TEMPORAL_ADDRESS = this.#temporal.address;
    return `${this.#temporal.address}, UI ${this.#temporal.uiUrl ?? 'off'}`;
  }

  async #startPostgres(): Promise<string> {
    const existing = process.env.DATABASE_URL;
    if (existing) {
      this.#environment.DATABASE_URL = existing;
      return 'the server of DATABASE_URL';
    }
    const postgres = await startPostgres({
      dataDir: path.join(this.#state, 'postgres'),
      logFile: path.join(this.#state, 'logs', 'postgres.log'),
    });
    this.#watch('PostgreSQL', postgres);
    this.#environment.DATABASE_URL = await postgres.createApplicationDatabase('sales');
    return `127.0.0.1:${postgres.port}`;
  }

  async #startSampleApi(): Promise<string> {
    const { data, orders } = this.#options;
    const port = await freePort();
    const args = [
      ...['--port', String(port), '--storage-port', String(await freePort())],
      ...(data === undefined ? [] : ['--data', data]),
      ...(orders === undefined ? [] : ['--orders', String(orders)]),
    ];
    const service = await this.#node(
      'the sample report API',
      ['dev/sample-api/main.ts', ...args],
      'sample-api',
    );
    await untilReady(service, 'the sample report API', 15_000, () => portInUse(port));
    Object.assign(this.#environment, SAMPLE, { REPORT_API_URL: `http://127.0.0.1:${port}` });
    return `http://127.0.0.1:${port}, serving ${data ?? 'generated data'}`;
  }

  async #startWorker(): Promise<string> {
    Object.assign(this.#environment, {
      LANDING_DIR: process.env.LANDING_DIR ?? path.join(this.#state, 'landing'),
      REPORT_POLL_INTERVAL: process.env.REPORT_POLL_INTERVAL ?? '2s',
    });
    const service = await this.#node('the worker', ['worker.ts'], 'worker');
    await untilReady(service, 'the worker', 60_000, async () =>
      (await service.lastLines(3)).includes('worker started'),
    );
    return `polling, process ${service.pid}`;
  }

  async #node(name: string, args: string[], log: string): Promise<Service> {
    const service = await startService({
      name,
      command: process.execPath,
      args: [...NODE_TS, ...args],
      logFile: path.join(this.#state, 'logs', `${log}.log`),
      env: { ...process.env, ...SAMPLE, ...this.#environment },
      cwd: projectRoot,
    });
    this.#watch(name, service);
    return service;
  }

  #watch(name: string, service: { onExit(callback: () => void): void; stop(): Promise<void> }): void {
    this.#stops.push(() => service.stop());
    service.onExit(() => {
      if (!this.#stopping) this.#fail(new Error(`${name} has ended by itself; see ${this.#state}/logs.`));
    });
  }

  /** Runs a client command as a person would; a failure quotes it. */
  async #client(args: string[], mode: 'show' | 'quiet'): Promise<string> {
    const child = spawn(process.execPath, [...NODE_TS, 'client/main.ts', ...args], {
      cwd: projectRoot,
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', mode === 'show' ? 'inherit' : 'pipe', mode === 'show' ? 'inherit' : 'pipe'],
      // Ctrl-C is for this process alone, which then stops everything in order.
      detached: true,
    });
    this.#stops.push(() => Promise.resolve(child.exitCode === null && child.kill('SIGKILL')));
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0)
      throw new Error(`client ${args.join(' ')} ended with ${code ?? 'a signal'}. ${printed.trim()}`);
    return printed.trim();
  }
}

async function preferredPort(port: number): Promise<number> {
  return (await portInUse(port)) ? await freePort() : port;
}
