import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
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

interface Server {
  address: string;
  /** In a folder of its own, with `files`. */
  folder: string;
  close: () => Promise<void>;
}

/** With the program, and the folder for its configuration and its data. */
interface Place {
  program: string;
  folder: string;
}

/**
 * A real Prometheus with the deployed configuration and rules, which looks at the metrics of one worker every second;
 * its alerts fire after seconds instead of minutes or hours.
 */
export async function startPrometheus(place: Place, metrics: string, alertmanager: string) {
  const files = {
    'prometheus.yml': await deployed('prometheus/prometheus.yml', [
      [/_interval: 15s/g, '_interval: 1s'],
      ['worker:9464', metrics],
      ['alertmanager:9093', alertmanager],
    ]),
    'alerts.yml': await deployed('prometheus/alerts.yml', [[/^( +for): .+$/gm, '$1: 2s']]),
  };
  const { address, close } = await serve('Prometheus', place, files, (folder, address) => [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=${address}`,
  ]);
  const get = async <T>(call: string): Promise<T> => {
    const answer = await fetch(`http://${address}/api/v1/${call}`);
    const { data, error } = (await answer.json()) as { data: T; error?: string };
    if (error !== undefined) throw new Error(`${error}: ${call}`);
    return data;
  };
  return {
    close,
    query: async (expression: string) =>
      (await get<{ result: Sample[] }>(`query?query=${encodeURIComponent(expression)}`)).result,
    rules: async () =>
      (await get<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap(({ rules }) => rules),
  };
}

/** A real Alertmanager with the deployed route, which waits seconds instead of minutes. */
export async function startAlertmanager(place: Place, webhookUrl: string): Promise<Server> {
  const config = await deployed('alertmanager/alertmanager.yml', [
    ['group_wait: 30s', 'group_wait: 1s'],
    ['group_interval: 5m', 'group_interval: 2s'],
    // Before 0.26, which Debian 12 does not have, the address cannot stand in a file of its own.
    [/url_file: .+/, `url: ${webhookUrl}`],
  ]);
  return await serve('Alertmanager', place, { 'alertmanager.yml': config }, (folder, address) => [
    `--config.file=${folder}/alertmanager.yml`,
    `--storage.path=${folder}/data`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ]);
}

/** A deployed file with these changes. */
async function deployed(name: string, changes: [RegExp | string, string][]): Promise<string> {
  const text = await readFile(path.join(projectRoot, 'deploy', name), 'utf8');
  return changes.reduce((before, [from, to]) => {
    const changed = before.replace(from, to);
    if (changed === before) throw new Error(`${name} holds no ${String(from)}`);
    return changed;
  }, text);
}

/** One of the two, as a process of this test. */
async function serve(
  name: string,
  place: Place,
  files: Record<string, string>,
  argsOf: (folder: string, address: string) => string[],
): Promise<Server> {
  const folder = path.join(place.folder, name);
  await mkdir(folder);
  for (const [file, content] of Object.entries(files)) await writeFile(path.join(folder, file), content);
  const address = `127.0.0.1:${await freePort()}`;
  const args = [...argsOf(folder, address), '--log.level=error'];
  const logFile = path.join(folder, 'log');
  const service = await startService({ name, command: place.program, args, logFile });
  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await untilReady(service, 120_000, isReady);
  return { address, folder, close: () => service.stop() };
}
