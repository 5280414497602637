import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../runtime/project-root.ts';
import { killAtExit } from '../support/processes.ts';

const run = promisify(execFile);
const BUILDAH = ['--storage-driver', 'vfs'];
const CHROOT = ['--isolation', 'chroot', '--network', 'host'];
/** Where no registry answers, the base image that node-base.sh makes. */
const LOCAL_BASE = 'localhost/sales-increment-node:24';

export interface Ended {
  code: number | null;
  output: string;
}

export interface Running {
  says(text: string): Promise<void>;
  /** Sends SIGTERM to the process in the container. */
  terminate(): Promise<void>;
  ended: Promise<Ended>;
}

export interface RunOptions {
  environment: Record<string, string>;
  /** Of this machine; mounted as LANDING_DIR. */
  landingDir: string;
}

/** What of an image's configuration the tests look at. */
export interface ImageConfig {
  Env: string[];
  Cmd: string[];
  User: string;
  Labels: Record<string, string>;
  Healthcheck: { Test: string[] };
}

/** docker, podman or buildah: the first one that works here. Each runs with the network of this machine. */
export class ContainerTool {
  readonly name: 'docker' | 'podman' | 'buildah';
  /** buildah's; a copy of the whole image, so all commands share one. */
  #container: string | undefined;

  private constructor(name: ContainerTool['name']) {
    this.name = name;
  }

  static async find(): Promise<ContainerTool | undefined> {
    for (const [name, check] of [
      ['docker', ['info']],
      ['podman', ['info']],
      ['buildah', ['--version']],
    ] as const) {
      const works = await run(name, check).then(
        () => true,
        () => false,
      );
      if (works) return new ContainerTool(name);
    }
    return undefined;
  }

  async build(tag: string): Promise<void> {
    const args = ['--tag', tag, '--build-arg', 'VERSION=0.0.0-test', '.'];
    if (this.name === 'buildah') {
      const base = await this.#base();
      const options = ['--format', 'docker', '--quiet', ...CHROOT, '--build-arg', `NODE_IMAGE=${base}`];
      await this.#call([...BUILDAH, 'build', ...options, ...args]);
    } else {
      await this.#call(['build', '--network', 'host', ...args]);
    }
  }

  async #base(): Promise<string> {
    const pulled = await this.#call([...BUILDAH, 'pull', 'docker.io/library/node:24-slim']).catch(() => '');
    if (pulled !== '') return 'docker.io/library/node:24-slim';
    const known = await this.#call([...BUILDAH, 'images', '--quiet', LOCAL_BASE]).catch(() => '');
    if (known === '') await run(path.join(import.meta.dirname, 'node-base.sh'), [LOCAL_BASE]);
    return LOCAL_BASE;
  }

  async config(tag: string): Promise<ImageConfig> {
    if (this.name !== 'buildah') {
      const text = await this.#call(['image', 'inspect', tag]);
      const [{ Config }] = JSON.parse(text) as [{ Config: ImageConfig }];
      return Config;
    }
    const text = await this.#call([...BUILDAH, 'inspect', '--type', 'image', tag]);
    return (JSON.parse(text) as { Docker: { config: ImageConfig } }).Docker.config;
  }

  /** Bytes, as the tool counts them. */
  async size(tag: string): Promise<string> {
    const format = ['--format', '{{.Size}}'];
    if (this.name !== 'buildah') return await this.#call(['image', 'inspect', ...format, tag]);
    return await this.#call([...BUILDAH, 'images', ...format, tag]);
  }

  /** With a root filesystem that is read-only where the tool can do that, which buildah cannot. */
  async start(tag: string, command: readonly string[], options: RunOptions): Promise<Running> {
    const environment = Object.entries(options.environment).flatMap(([name, value]) => [
      '--env',
      `${name}=${value}`,
    ]);
    const volume = ['--volume', `${options.landingDir}:/var/lib/sales-increment`];
    if (this.name !== 'buildah') {
      const safe = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
      return this.#spawn([
        'run',
        '--rm',
        '--network',
        'host',
        ...safe,
        ...environment,
        ...volume,
        tag,
        ...command,
      ]);
    }
    this.#container ??= await this.#call([...BUILDAH, 'from', tag]);
    const all = [...CHROOT, ...environment, ...volume, this.#container, '--', ...command];
    return this.#spawn([...BUILDAH, 'run', ...all]);
  }

  async remove(tag: string): Promise<void> {
    if (this.#container !== undefined) await this.#call([...BUILDAH, 'rm', this.#container]);
    await this.#call(this.name === 'buildah' ? [...BUILDAH, 'rmi', tag] : ['image', 'rm', '--force', tag]);
  }

  async #call(args: readonly string[]): Promise<string> {
    const { stdout } = await run(this.name, args, { cwd: projectRoot, maxBuffer: 64 * 1024 * 1024 });
    return stdout.trim();
  }

  #spawn(args: readonly string[]): Running {
    const child = spawn(this.name, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    killAtExit(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return {
      async says(text) {
        const deadline = Date.now() + 60_000;
        while (!output.includes(text)) {
          if (child.exitCode !== null || Date.now() > deadline)
            throw new Error(`No "${text}" within 60 s: ${output}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
      terminate: async () => {
        // docker and podman pass it on; buildah does not, so the innermost of its processes is told.
        const pid = this.name === 'buildah' ? await innermost(child.pid ?? 0) : (child.pid ?? 0);
        process.kill(pid, 'SIGTERM');
      },
      ended: once(child, 'close').then(([code]) => ({ code: code as number | null, output })),
    };
  }
}

/** The last in the line of a process, its child, and so on. */
async function innermost(pid: number): Promise<number> {
  const children = await Promise.all(
    (await readdir(`/proc/${pid}/task`)).map((task) =>
      readFile(`/proc/${pid}/task/${task}/children`, 'utf8'),
    ),
  );
  const [child] = children.join(' ').split(' ').filter(Boolean);
  return child === undefined ? pid : await innermost(Number(child));
}
