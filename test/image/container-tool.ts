import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../runtime/project-root.ts';
import { launch } from '../support/processes.ts';

const run = promisify(execFile);
const PUBLIC_BASE = 'docker.io/library/node:26-slim';
/** Where no registry answers, the base image that node-base.sh makes. */
const LOCAL_BASE = 'localhost/sales-increment-node:26';
const HOST = ['--network', 'host'];
/** As the image is meant to be run. */
const SAFE = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
/** podman asks for more than it may have where the limits of its own process are low. */
const LIMITS = ['--ulimit', 'nofile=20000:20000', '--ulimit', 'nproc=1000:1000'];
const CHROOT = ['--isolation', 'chroot'];

interface Tool {
  name: string;
  command: readonly [string, ...string[]];
  /** Options of its `build` and its `run`. */
  build: readonly string[];
  run: readonly string[];
}

/** The best first. Each runs with the network of this machine. */
const TOOLS: readonly Tool[] = [
  { name: 'docker', command: ['docker'], build: HOST, run: ['--rm', ...HOST, ...SAFE] },
  ...[
    ['podman'] as const,
    // crun cannot make a control group where version 2 is mounted beside version 1.
    [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'umount /sys/fs/cgroup/unified && exec podman "$@"',
      'podman',
    ] as const,
  ].map((command) => ({
    name: command.length === 1 ? 'podman' : 'podman, without control groups of version 2',
    command,
    build: ['--format', 'docker', ...LIMITS, ...HOST],
    run: ['--rm', ...LIMITS, ...HOST, ...SAFE],
  })),
  // Without a root that is read-only.
  {
    name: 'buildah',
    command: ['buildah', '--storage-driver', 'vfs'],
    build: ['--format', 'docker', ...CHROOT, ...HOST],
    run: [...CHROOT, ...HOST],
  },
];

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
  environment?: Record<string, string>;
  /** Of this machine; mounted as LANDING_DIR. */
  landingDir?: string;
}

/** What of an image's configuration the tests look at. */
export interface ImageConfig {
  Env: string[];
  Cmd: string[];
  User: string;
  Labels: Record<string, string>;
  Healthcheck: { Test: string[] };
}

/** The first tool that builds the image here and runs it. */
export class ContainerTool {
  readonly #tool: Tool;
  readonly #tag: string;
  /** buildah's; a copy of the whole image, so all commands share one. */
  #container: string | undefined;

  private constructor(tool: Tool, tag: string) {
    this.#tool = tool;
    this.#tag = tag;
  }

  get name(): string {
    return this.#tool.name;
  }

  /** Of the project's image.
   * @throws Error when no tool can build it and run it, with what each of them said */
  static async build(tag: string): Promise<ContainerTool> {
    const faults: string[] = [];
    for (const candidate of TOOLS) {
      const tool = new ContainerTool(candidate, tag);
      try {
        await tool.#build();
        const { code, output } = await (await tool.start(['node', '--version'])).ended;
        if (code === 0) return tool;
        faults.push(`${tool.name}: a trial run ended with ${code}: ${output}`);
      } catch (error) {
        faults.push(`${tool.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
      console.log(`not by ${faults.at(-1)?.trim().slice(0, 1000)}`);
    }
    throw new Error(`docker, podman or buildah is needed to build and run the image. ${faults.join('\n')}`);
  }

  async #build(): Promise<void> {
    await this.#call(['info']);
    const base = await this.#base();
    const args = ['--build-arg', `NODE_IMAGE=${base}`, '--build-arg', 'VERSION=0.0.0-test'];
    await this.#call(['build', '--quiet', ...this.#tool.build, ...args, '--tag', this.#tag, '.']);
  }

  async #base(): Promise<string> {
    if (await this.#works(['pull', '--quiet', PUBLIC_BASE])) return PUBLIC_BASE;
    if (!(await this.#works(['inspect', '--type', 'image', LOCAL_BASE])))
      await run(path.join(import.meta.dirname, 'node-base.sh'), [LOCAL_BASE, ...this.#tool.command]);
    return LOCAL_BASE;
  }

  async config(): Promise<ImageConfig> {
    const text = await this.#call(['inspect', '--type', 'image', this.#tag]);
    if (this.name === 'buildah')
      return (JSON.parse(text) as { Docker: { config: ImageConfig } }).Docker.config;
    const [image] = JSON.parse(text) as [{ Config: ImageConfig; Healthcheck?: { Test: string[] } }];
    // podman has it beside the configuration.
    return { ...(image.Healthcheck && { Healthcheck: image.Healthcheck }), ...image.Config };
  }

  /** Bytes, as the tool counts them. */
  async size(): Promise<string> {
    const format = ['--format', '{{.Size}}'];
    return await this.#call(
      this.name === 'buildah' ? ['images', ...format, this.#tag] : ['image', 'inspect', ...format, this.#tag],
    );
  }

  async start(command: readonly string[], options: RunOptions = {}): Promise<Running> {
    const environment = Object.entries(options.environment ?? {}).flatMap(([name, value]) => [
      '--env',
      `${name}=${value}`,
    ]);
    const volume =
      options.landingDir === undefined ? [] : ['--volume', `${options.landingDir}:/var/lib/sales-increment`];
    const args = ['run', ...this.#tool.run, ...environment, ...volume];
    if (this.name !== 'buildah') return this.#spawn([...args, this.#tag, ...command]);
    this.#container ??= await this.#call(['from', this.#tag]);
    return this.#spawn([...args, this.#container, '--', ...command]);
  }

  async remove(): Promise<void> {
    if (this.#container !== undefined) await this.#call(['rm', this.#container]);
    await this.#call(['rmi', '--force', this.#tag]);
  }

  async #call(args: readonly string[]): Promise<string> {
    const [program, ...rest] = this.#tool.command;
    const options = { cwd: projectRoot, maxBuffer: 64 * 1024 * 1024 };
    const { stdout } = await run(program, [...rest, ...args], options);
    return stdout.trim();
  }

  async #works(args: readonly string[]): Promise<boolean> {
    return await this.#call(args).then(
      () => true,
      () => false,
    );
  }

  #spawn(args: readonly string[]): Running {
    const [program, ...rest] = this.#tool.command;
    const running = launch(program, [...rest, ...args]);
    return {
      says: (text) => running.says(text),
      terminate: async () => {
        // docker and podman pass it on; buildah does not, so the innermost of its processes is told.
        const pid = this.name === 'buildah' ? await innermost(running.pid) : running.pid;
        process.kill(pid, 'SIGTERM');
      },
      ended: running.ended.then(({ code }) => ({ code, output: running.output() })),
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
