import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, isAbsolute, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { isErrno, messageOf } from './errors.ts';

const execFileAsync = promisify(execFile);

/** Programs that are used where the machine has them, and are otherwise built from their source. */
export interface GoPrograms {
  /** How messages call them, e.g. `Temporal CLI`. */
  name: string;
  /** The version to build. */
  version: string;
  /** The environment variable that names them. */
  variable: string;
  /** The folder in the user's cache. */
  cache: string;
  /** Go packages by the file names of the programs. */
  packages: Readonly<Record<string, string>>;
  /** The path that stands for the programs in a directory: a program, or the directory itself. */
  pathIn(directory: string): string;
  /** The version that they report; an error where they cannot be used. */
  versionOf(path: string): Promise<string>;
}

export interface Found {
  path: string;
  version: string;
  /** The variable, `PATH`, `the cache` or `go install`. */
  source: string;
}

export interface FindOptions {
  /** Gets lines for the user: what was found, and what takes long. */
  log: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

/**
 * Finds programs: those that the variable names, on the PATH, in the user's cache where an earlier run put them, or
 * builds them with `go install`, which verifies their source with Go's checksum database.
 */
export async function findPrograms(
  programs: GoPrograms,
  { log, env = process.env }: FindOptions,
): Promise<Found> {
  const { name, variable } = programs;
  const take = async (path: string, source: string): Promise<Found> => {
    const version = await programs.versionOf(path);
    log(`${name} ${version} from ${source}: ${path}`);
    return { path, version, source };
  };

  const named = env[variable];
  if (named) {
    return await take(named.includes(sep) ? resolve(named) : named, variable).catch((error: unknown) => {
      throw new Error(
        `${variable} is set to ${named}, which is not a usable ${name}: ${messageOf(error)}. ` +
          `Correct it, or unset it.`,
        { cause: error },
      );
    });
  }
  const cached = join(cacheDirectory(env), programs.cache, programs.version);
  const onPath = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  for (const directory of [...onPath, cached]) {
    if (!(await holdsPrograms(directory, programs))) continue;
    const path = programs.pathIn(resolve(directory));
    try {
      return await take(path, directory === cached ? 'the cache' : 'PATH');
    } catch (error) {
      log(`${path} is not a usable ${name} (${messageOf(error)}); going on without it`);
    }
  }
  await build(programs, cached, log, env);
  return await take(programs.pathIn(cached), 'go install');
}

/** The version that a program reports with --version. */
export async function reportedVersion(program: string, pattern: RegExp): Promise<string> {
  // Its first run reads 250 MB from a disk that may be busy with the build that made it.
  const { stdout } = await execFileAsync(program, ['--version'], { timeout: 30_000 }).catch(
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) throw new Error(`${program} does not exist`);
      throw new Error(`${program} does not run (${messageOf(error).trim().replaceAll('\n', ' ')})`);
    },
  );
  const version = pattern.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${program} --version does not report a version`);
  return version.trim();
}

async function holdsPrograms(directory: string, { packages }: GoPrograms): Promise<boolean> {
  const checks = Object.keys(packages).map((file) => access(join(directory, file), constants.X_OK));
  return (await Promise.allSettled(checks)).every(({ status }) => status === 'fulfilled');
}

/** Builds beside the place and renames, so that a kill half-way, or a second build meanwhile, leaves whole programs. */
async function build(
  { name, version, variable, packages }: GoPrograms,
  target: string,
  log: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  log(`Building the ${name} ${version} with go install: this takes a few minutes, once.`);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const unfinished = await mkdtemp(join(target, 'build-'));
  const started = performance.now();
  const progress = setInterval(() => {
    log(`Still building (${Math.round((performance.now() - started) / 1000)} s).`);
  }, 15_000);
  try {
    const versioned = Object.values(packages).map((path) => `${path}@v${version}`);
    await execFileAsync('go', ['install', ...versioned], {
      cwd: unfinished, // away from any go.mod
      // Go has no place for its caches where HOME is not set, as under some service managers.
      env: { ...env, HOME: env['HOME'] ?? homedir(), GOBIN: unfinished },
      maxBuffer: 64 * 1024 * 1024,
    });
    for (const [file, path] of Object.entries(packages)) {
      // go install names a program by the last folder of its package.
      await rename(join(unfinished, basename(path)), join(target, file));
    }
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    const lines = stderr.trim().split('\n').slice(-3).join(' | ');
    const why = isErrno(error, 'ENOENT')
      ? 'Go is not installed'
      : `go install failed: ${lines || messageOf(error)}`;
    throw new Error(
      `This machine has no ${name}, and it could not be built (${why}). ` +
        `Install it (https://docs.temporal.io/cli/setup-cli) or Go (https://go.dev/dl), or set ${variable}.`,
      { cause: error },
    );
  } finally {
    clearInterval(progress);
    await rm(unfinished, { recursive: true, force: true });
  }
}

function cacheDirectory(env: NodeJS.ProcessEnv): string {
  const named = env['XDG_CACHE_HOME'];
  // The XDG specification has a relative one ignored.
  if (named !== undefined && isAbsolute(named)) return named;
  return join(env['HOME'] ?? homedir(), '.cache');
}
