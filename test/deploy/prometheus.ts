import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { startService, untilReady } from '../../dev/services/child-process.ts';
import { freePort } from '../../dev/services/ports.ts';
import { projectRoot } from '../../runtime/project-root.ts';

const DEPLOYED = path.join(projectRoot, 'deploy');

/** Runs promtool or amtool among the deployed files; what it says when it is not content is the error's message. */
export async function check(
  program: string,
  args: readonly string[],
  folder = 'prometheus',
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { cwd: path.join(DEPLOYED, folder) });
  return stdout;
}

export interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

export interface Rule {
  name: string;
  query: string;
  health: string;
  lastError?: string;
  type: 'alerting' | 'recording';
}

interface PrometheusConfig {
  global: Record<string, string>;
  alerting: { alertmanagers: [{ static_configs: [{ targets: string[] }] }] };
  scrape_configs: [{ static_configs: [{ targets: string[] }] }];
}

interface Rules {
  groups: { rules: { for?: string }[] }[];
}

export interface PrometheusOptions {
  program: string;
  /** For its configuration and its data. */
  folder: string;
  /** Address of the worker's metrics. */
  target: string;
  /** With it, alerts fire at once instead of after minutes or hours. */
  alertmanager?: string;
}

/** A real Prometheus with the deployed configuration and rules, which looks at one worker every second. */
export class Prometheus {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start({ program, folder, target, alertmanager }: PrometheusOptions): Promise<Prometheus> {
    const config = parse(
      await readFile(path.join(DEPLOYED, 'prometheus/prometheus.yml'), 'utf8'),
    ) as PrometheusConfig;
    config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
    config.scrape_configs[0].static_configs[0].targets = [target];
    config.alerting.alertmanagers[0].static_configs[0].targets =
      alertmanager === undefined ? [] : [alertmanager];
    const rules = parse(await readFile(path.join(DEPLOYED, 'prometheus/alerts.yml'), 'utf8')) as Rules;
    if (alertmanager !== undefined)
      for (const rule of rules.groups.flatMap(({ rules }) => rules)) if (rule.for) rule.for = '2s';
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'prometheus.yml'), stringify(config));
    await writeFile(path.join(folder, 'alerts.yml'), stringify(rules));
    const server = await serve('Prometheus', program, folder, (address) => [
      `--config.file=${path.join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=error',
    ]);
    return new Prometheus(server);
  }

  async query(expression: string): Promise<Sample[]> {
    const { result } = await this.#get<{ result: Sample[] }>('query', { query: expression });
    return result;
  }

  async rules(): Promise<Rule[]> {
    const { groups } = await this.#get<{ groups: { rules: Rule[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async #get<T>(call: string, parameters: Record<string, string>): Promise<T> {
    const query = new URLSearchParams(parameters).toString();
    const answer = await fetch(`http://${this.#server.address}/api/v1/${call}?${query}`);
    const { data, error } = (await answer.json()) as { data: T; error?: string };
    if (error !== undefined) throw new Error(`${error}: ${JSON.stringify(parameters)}`);
    return data;
  }
}

interface AlertmanagerConfig {
  route: Record<string, unknown>;
  receivers: [{ webhook_configs: [{ url_file?: string; url?: string }] }];
}

/** A real Alertmanager with the deployed route, which waits seconds instead of minutes. */
export async function startAlertmanager(options: {
  program: string;
  folder: string;
  /** Of the receiver. */
  webhookUrl: string;
}): Promise<Server & { configFile: string }> {
  const { program, folder, webhookUrl } = options;
  const config = parse(
    await readFile(path.join(DEPLOYED, 'alertmanager/alertmanager.yml'), 'utf8'),
  ) as AlertmanagerConfig;
  Object.assign(config.route, { group_wait: '1s', group_interval: '2s' });
  const [webhook] = config.receivers[0].webhook_configs;
  // Before 0.26, which Debian 12 does not have, the address cannot stand in a file of its own.
  delete webhook.url_file;
  webhook.url = webhookUrl;
  await mkdir(folder, { recursive: true });
  const configFile = path.join(folder, 'alertmanager.yml');
  await writeFile(configFile, stringify(config));
  const server = await serve('Alertmanager', program, folder, (address) => [
    `--config.file=${configFile}`,
    `--storage.path=${path.join(folder, 'data')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
    '--log.level=error',
  ]);
  return { ...server, configFile };
}

interface Server {
  address: string;
  close(): Promise<void>;
}

/** One of the two, as a process of this test. */
async function serve(
  name: string,
  program: string,
  folder: string,
  argsOf: (address: string) => string[],
): Promise<Server> {
  const address = `127.0.0.1:${await freePort()}`;
  const logFile = path.join(folder, 'log');
  const service = await startService({ name, command: program, args: argsOf(address), logFile });
  await untilReady(service, name, 120_000, () => isReady(address));
  return { address, close: () => service.stop() };
}

async function isReady(address: string): Promise<boolean> {
  return await fetch(`http://${address}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}
