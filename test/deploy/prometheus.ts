import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../dev/services/ports.ts';
import { projectRoot } from '../../runtime/project-root.ts';

const FOLDER = path.join(projectRoot, 'deploy', 'prometheus');

/** Runs promtool among the deployed files; what it says when it is not content is the error's message. */
export async function promtool(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { cwd: FOLDER });
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

/** A real Prometheus with the deployed rules, which looks at one worker every second. */
export class Prometheus {
  readonly #url: string;
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.#url = url;
    this.#close = close;
  }

  static async start(program: string, folder: string, target: string): Promise<Prometheus> {
    const deployed = await readFile(path.join(FOLDER, 'prometheus.yml'), 'utf8');
    const config = deployed.replaceAll('15s', '1s').replace('worker:9464', target);
    if (!config.includes(target))
      throw new Error('deploy/prometheus/prometheus.yml does not name the worker.');
    await writeFile(path.join(folder, 'prometheus.yml'), config);
    await copyFile(path.join(FOLDER, 'alerts.yml'), path.join(folder, 'alerts.yml'));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      program,
      [
        `--config.file=${path.join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--log.level=error',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'], cwd: folder },
    );
    const ended = once(child, 'close');
    const close = async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(path.join(folder, 'data'), { recursive: true, force: true });
    };
    const prometheus = new Prometheus(`http://${address}`, close);
    try {
      await prometheus.#ready();
      return prometheus;
    } catch (error) {
      await close();
      throw error;
    }
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
    await this.#close();
  }

  async #get<T>(call: string, parameters: Record<string, string>): Promise<T> {
    const query = new URLSearchParams(parameters).toString();
    const answer = await fetch(`${this.#url}/api/v1/${call}?${query}`);
    const { data, error } = (await answer.json()) as { data: T; error?: string };
    if (error !== undefined) throw new Error(`${error}: ${JSON.stringify(parameters)}`);
    return data;
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const ready = await fetch(`${this.#url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (ready) return;
      if (Date.now() > deadline) throw new Error('Prometheus was not ready within 20 s.');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
