import { execFile, spawn } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { isErrno, messageOf } from './errors.ts';
import { cacheDirectory } from './temporal-cli.ts';

const execFileAsync = promisify(execFile);

/** The released server that the dev server of the CLI 1.5.1 holds as well, so that the two can be compared. */
const VERSION = '1.29.1';
const MODULE = 'go.temporal.io/server';
/** How the official releases call the programs, and the packages that they are built of. */
const PACKAGES = { 'temporal-server': 'cmd/server', 'temporal-sql-tool': 'cmd/tools/sql' } as const;

const GO = 'go';

type Program = keyof typeof PACKAGES;

const PROGRAMS = Object.keys(PACKAGES) as Program[];

/** The programs of a released Temporal server, which stand side by side in one directory. */
export interface TemporalRelease {
  server: string;
  sqlTool: string;
  /** As the server calls itself, e.g. `1.29.1`. */
  version: string;
  /** Where it is from, in words: `TEMPORAL_SERVER_DIR`, `PATH`, `the cache`, `go install`. */
  source: string;
}

export interface FindReleaseOptions {
  /** Told, line by line, which one was taken and what takes long. */
  say(line: string): void;
  env?: NodeJS.ProcessEnv;
}

/**
 * Finds `temporal-server` and `temporal-sql-tool`: in the directory that TEMPORAL_SERVER_DIR names, in one of the
 * PATH, in the user's cache where an earlier run put them, or as a build of their source by Go.
 */
export async function findTemporalRelease(options: FindReleaseOptions): Promise<TemporalRelease> {
  const env = options.env ?? process.env;
  const say = (line: string): void => options.say(line);
  const take = async (directory: string, source: string): Promise<TemporalRelease> => {
    const version = await versionOf(directory);
    say(`Temporal server ${version} from ${source}: ${directory}`);
    const [server, sqlTool] = [join(directory, 'temporal-server'), join(directory, 'temporal-sql-tool')];
    return { server, sqlTool, version, source };
  };

  const named = env['TEMPORAL_SERVER_DIR'];
  if (named !== undefined && named !== '') {
    return await take(resolve(named), 'TEMPORAL_SERVER_DIR').catch((error: unknown) => {
      throw new Error(
        `TEMPORAL_SERVER_DIR is set to ${named}, which holds no usable Temporal server: ${messageOf(error)}. ` +
          `Correct it, or unset it to have one found.`,
        { cause: error },
      );
    });
  }
  for (const directory of (env['PATH'] ?? '').split(delimiter)) {
    if (directory !== '' && (await holdsPrograms(directory))) return await take(resolve(directory), 'PATH');
  }
  const cached = join(cacheDirectory(env), 'temporal-server', VERSION);
  if (await holdsPrograms(cached)) {
    try {
      return await take(cached, 'the cache');
    } catch (error) {
      say(`${cached} holds no usable Temporal server (${messageOf(error)}), replacing it`);
    }
  }
  await build(cached, say, env);
  return await take(cached, 'go install');
}

/** Builds beside the place and renames, so that a kill half-way, or a second build meanwhile, leaves whole programs. */
async function build(target: string, say: (line: string) => void, env: NodeJS.ProcessEnv): Promise<void> {
  say(`building the Temporal server ${VERSION} with go install, some minutes, once`);
  await mkdir(target, { recursive: true });
  const unfinished = await mkdtemp(join(target, 'build-'));
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  const progress = setInterval(() => {
    say(`still building the Temporal server (${seconds()} s)`);
  }, 15_000);
  try {
    await goInstall(unfinished, env);
    for (const program of PROGRAMS) {
      // go install names a program by the last folder of its package.
      const built = PACKAGES[program].slice(PACKAGES[program].lastIndexOf('/') + 1);
      await rename(join(unfinished, built), join(target, program));
    }
    say(`built in ${seconds()} s`);
  } catch (error) {
    throw new Error(
      `This machine has no Temporal server and could not build one: ${messageOf(error)}. Install Go ` +
        `(https://go.dev/dl), or set TEMPORAL_SERVER_DIR to a directory that holds ${PROGRAMS.join(' and ')}.`,
      { cause: error },
    );
  } finally {
    clearInterval(progress);
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function goInstall(directory: string, env: NodeJS.ProcessEnv): Promise<void> {
  const packages = Object.values(PACKAGES).map((name) => `${MODULE}/${name}@v${VERSION}`);
  const child = spawn(GO, ['install', ...packages], {
    cwd: directory, // away from any go.mod
    // Go has no place for its caches where HOME is not set, as under some service managers.
    env: { ...env, HOME: env['HOME'] ?? homedir(), GOBIN: directory },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-2000);
  });
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', (error) =>
      fail(isErrno(error, 'ENOENT') ? new Error('Go, to build it, is not installed') : error),
    );
    child.once('close', done);
  });
  if (code === 0) return;
  const why = lastWords.trim().split('\n').slice(-3).join(' | ');
  throw new Error(`go install failed: ${why || `code ${String(code)}`}`);
}

async function holdsPrograms(directory: string): Promise<boolean> {
  for (const program of PROGRAMS) {
    try {
      await access(join(directory, program), constants.X_OK);
    } catch {
      return false;
    }
  }
  return true;
}

/** The version that both programs tell; an error where one is missing, does not run, or they differ. */
async function versionOf(directory: string): Promise<string> {
  const versions = new Set<string>();
  for (const program of PROGRAMS) {
    // Its first run reads 100 MB from a disk that may be busy with the build that made it.
    const { stdout } = await execFileAsync(join(directory, program), ['--version'], { timeout: 30_000 });
    const version = /version (\d+\.\d+\.\d+\S*)\s*$/.exec(stdout)?.[1];
    if (version === undefined) throw new Error(`the --version of ${program} does not tell a version`);
    versions.add(version);
  }
  const [version = '', other] = versions;
  if (other !== undefined) throw new Error(`its programs are of different versions, ${version} and ${other}`);
  return version;
}
