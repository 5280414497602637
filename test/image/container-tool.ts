import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../runtime/project-root.ts';
import { launch, type Running } from '../support/processes.ts';

const run = promisify(execFile);
const PUBLIC_BASE = 'docker.io/library/node:26-slim';
/** Where no registry answers, the base image that node-base.sh makes. */
export const LOCAL_BASE = 'localhost/sales-increment-node:26';
const LANDING_DIR = '/var/lib/sales-increment';
const HOST = ['--network', 'host'];
/** As the image is meant to be run. */
const SAFE = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
/** podman asks for more than it may have where the limits of its own process are low. */
const LIMITS = ['--ulimit', 'nofile=20000:20000', '--ulimit', 'nproc=1000:1000'];

/** crun cannot make a control group where version 2 is mounted beside version 1. */
const WITHOUT_CGROUP_2 =
  'if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi; exec podman "$@"';
export const PODMAN: readonly [string, ...string[]] =
  process.getuid?.() === 0 ? ['unshare', '--mount', 'sh', '-c', WITHOUT_CGROUP_2, 'podman'] : ['podman'];

/** What of an image's configuration the tests look at. */
export interface ImageConfig {
  Env: string[];
  Cmd: string[];
  User: string;
  Labels: Record<string, string>;
  Healthcheck: { Test: string[] };
}

/** docker where it is, else podman, with the project's image; it runs with the network of this machine. */
export class ContainerTool {
  readonly name: string;
  readonly #command: readonly [string, ...string[]];
  readonly #tag: string;

  private constructor(name: string, command: readonly [string, ...string[]], tag: string) {
    this.name = name;
    this.#command = command;
    this.#tag = tag;
  }

  static async build(tag: string): Promise<ContainerTool> {
    const docker = new ContainerTool('docker', ['docker'], tag);
    const tool = (await docker.#works(['info'])) ? docker : new ContainerTool('podman', PODMAN, tag);
    const base = ['--build-arg', `NODE_IMAGE=${await tool.#base()}`, '--build-arg', 'VERSION=0.0.0-test'];
    const options = [...HOST, ...(tool === docker ? [] : [...LIMITS, '--format', 'docker'])];
    await tool.#call(['build', '--quiet', ...options, ...base, '--tag', tag, '.']);
    return tool;
  }

  async #base(): Promise<string> {
    if (await this.#works(['pull', '--quiet', PUBLIC_BASE])) return PUBLIC_BASE;
    if (!(await this.#works(['inspect', '--type', 'image', LOCAL_BASE])))
      await run(path.join(import.meta.dirname, 'node-base.sh'), [LOCAL_BASE, ...this.#command]);
    return LOCAL_BASE;
  }

  async config(): Promise<ImageConfig> {
    const text = await this.#call(['inspect', '--type', 'image', this.#tag]);
    const [image] = JSON.parse(text) as [{ Config: ImageConfig; Healthcheck?: { Test: string[] } }];
    // podman has it beside the configuration.
    return { ...(image.Healthcheck && { Healthcheck: image.Healthcheck }), ...image.Config };
  }

  /** Bytes, as the tool counts them. */
  async size(): Promise<string> {
    return await this.#call(['image', 'inspect', '--format', '{{.Size}}', this.#tag]);
  }

  /** Its SIGTERM reaches the process in the container. */
  start(command: readonly string[], environment: Record<string, string>, landingDir: string): Running {
    const all = { ...environment, LANDING_DIR };
    const variables = Object.entries(all).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const volume = ['--volume', `${landingDir}:${LANDING_DIR}`];
    const limits = this.name === 'podman' ? LIMITS : [];
    const options = ['run', '--rm', ...HOST, ...SAFE, ...limits, ...variables, ...volume];
    const [program, ...rest] = this.#command;
    return launch(program, [...rest, ...options, this.#tag, ...command]);
  }

  async remove(): Promise<void> {
    await this.#call(['rmi', '--force', this.#tag]);
  }

  async #call(args: readonly string[]): Promise<string> {
    const [program, ...rest] = this.#command;
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
}
