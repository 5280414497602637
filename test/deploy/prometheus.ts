import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { startService, untilReady } from '../../dev/services/child-process.ts';
import { freePort } from '../../dev/services/ports.ts';
import { projectRoot } from '../../runtime/project-root.ts';

interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

interface Rule {
  name: string;
  query: string;
  health: string;
  lastError?: string;
  type: 'alerting' | 'recording';
}

interface StaticConfigs {
  static_configs: [{ targets: string[] }];
}
interface PrometheusConfig {
  global: Record<string, string>;
  alerting: { alertmanagers: [StaticConfigs] };
  scrape_configs: [StaticConfigs];
}

interface Rules {
  groups: { rules: { for?: string }[] }[];
}

interface AlertmanagerConfig {
  route: Record<string, unknown>;
  receivers: [{ webhook_configs: [{ url_file?: string; url?: string }] }];
}

interface Server {
  address: string;
  /** In a folder of its own, with `files`. */
  folder: string;
  close(): Promise<void>;
}

/**
 * A real Prometheus with the deployed configuration and rules, which looks at one worker every second; its alerts fire
 * after seconds instead of minutes or hours.
 */
export class Prometheus {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(options: {
    program: string;
    /** For its configuration and its data. */
    folder: string;
    /** Address of the worker's metrics. */
    target: string;
    alertmanager: string;
  }): Promise<Prometheus> {
    const config = await deployed<PrometheusConfig>('prometheus/prometheus.yml');
    config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
    config.scrape_configs[0].static_configs[0].targets = [options.target];
    config.alerting.alertmanagers[0].static_configs[0].targets = [options.alertmanager];
    const rules = await deployed<Rules>('prometheus/alerts.yml');
    for (const rule of rules.groups.flatMap(({ rules }) => rules)) if (rule.for) rule.for = '2s';
    const files = { 'prometheus.yml': config, 'alerts.yml': rules };
    return new Prometheus(
      await serve({ ...options, name: 'Prometheus', files }, (folder, address) => [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=${address}`,
      ]),
    );
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

/** A real Alertmanager with the deployed route, which waits seconds instead of minutes. */
export async function startAlertmanager(options: {
  program: string;
  folder: string;
  /** Of the receiver. */
  webhookUrl: string;
}): Promise<Server> {
  const config = await deployed<AlertmanagerConfig>('alertmanager/alertmanager.yml');
  Object.assign(config.route, { group_wait: '1s', group_interval: '2s' });
  const [webhook] = config.receivers[0].webhook_configs;
  // Before 0.26, which Debian 12 does not have, the address cannot stand in a file of its own.
  delete webhook.url_file;
  webhook.url = options.webhookUrl;
  const files = { 'alertmanager.yml': config };
  return await serve({ ...options, name: 'Alertmanager', files }, (folder, address) => [
    `--config.file=${folder}/alertmanager.yml`,
    `--storage.path=${folder}/data`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ]);
}

async function deployed<T>(name: string): Promise<T> {
  return parse(await readFile(path.join(projectRoot, 'deploy', name), 'utf8')) as T;
}

/** One of the two, as a process of this test. */
async function serve(
  options: { name: string; program: string; folder: string; files: Record<string, object> },
  argsOf: (folder: string, address: string) => string[],
): Promise<Server> {
  const { name, program, files } = options;
  const folder = path.join(options.folder, name);
  await mkdir(folder);
  for (const [file, content] of Object.entries(files))
    await writeFile(path.join(folder, file), stringify(content));
  const address = `127.0.0.1:${await freePort()}`;
  const args = [...argsOf(folder, address), '--log.level=error'];
  const service = await startService({ name, command: program, args, logFile: path.join(folder, 'log') });
  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await untilReady(service, 120_000, isReady);
  return { address, folder, close: () => service.stop() };
}
