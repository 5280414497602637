import { execFile } from 'node:child_process';
import { access, constants, lstat, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { distrust } from '../../runtime/trust.ts';
import { userCache } from './user-cache.ts';
import { messageOf } from '../../domain/text.ts';
import { isErrno } from './errors.ts';

const execFileAsync = promisify(execFile);

/** Programs that are used where the machine has them, and are otherwise brought into the user's cache. */
export interface Programs {
  /** How messages call them, e.g. `Temporal CLI`. */
  name: string;
  /** The environment variable that names them. */
  variable: string;
  /** The folder in the user's cache. */
  cache: string;
  /** The names of their files. */
  files: readonly string[];
  /** Where they come from, the first choice first. */
  sources: readonly Source[];
  /** Where a person gets them from. */
  install: string;
  /** The path that stands for the programs in a directory: a program, or the directory itself. */
  pathIn(directory: string): string;
  /** The version that they report; an error where they cannot be used. */
  versionOf(path: string): Promise<string>;
}

export interface Source {
  /** Said before it begins and when it fails, e.g. `go install, which takes minutes`. */
  name: string;
  /** The version that it brings. */
  version: string;
  /** Puts the verified programs into an empty directory. */
  bring(directory: string, env: NodeJS.ProcessEnv): Promise<void>;
}

export interface Found {
  path: string;
  version: string;
  /** The variable, `PATH`, `the cache` or the name of a source. */
  source: string;
}

export interface FindOptions {
  /** Gets lines for the user: what was found, what failed, and what takes long. */
  log: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

/**
 * Finds programs: those that the variable names, on the PATH, in the user's cache where an earlier run put them, or
 * from the first source that can bring them.
 */
export async function findPrograms(
  programs: Programs,
  { log, env = process.env }: FindOptions,
): Promise<Found> {
  const { name, variable, sources } = programs;
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
  const home = userCache(env);
  const cacheOf = (version: string) => join(home ?? '', programs.cache, version);
  const cached = home === undefined ? [] : [...new Set(sources.map(({ version }) => cacheOf(version)))];
  const onPath = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  for (const directory of [...onPath, ...cached]) {
    if (!(await holds(directory, programs))) continue;
    const path = programs.pathIn(resolve(directory));
    try {
      if (!cached.includes(directory)) return await take(path, 'PATH');
      await checkTrust(directory, programs);
      return await take(path, 'the cache');
    } catch (error) {
      log(`${path} is not a usable ${name} (${messageOf(error)}); going on without it`);
    }
  }
  if (home === undefined) throw new Error(`HOME is not set: the ${name} would be kept in its .cache.`);
  for (const source of sources) {
    const target = cacheOf(source.version);
    try {
      await bring(source, programs, target, log, env);
      await checkTrust(target, programs);
      return await take(programs.pathIn(target), source.name);
    } catch (error) {
      log(`No ${name} from ${source.name}: ${messageOf(error)}.`);
    }
  }
  throw new Error(
    `This machine has no ${name}, and none of the ways to get one worked (see above): install it ` +
      `(${programs.install}) or Go (https://go.dev/dl), or set ${variable}.`,
  );
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

async function holds(directory: string, { files }: Programs): Promise<boolean> {
  const checks = files.map((file) => access(join(directory, file), constants.X_OK));
  return (await Promise.allSettled(checks)).every(({ status }) => status === 'fulfilled');
}

/** Others may have put programs where the cache is, e.g. below /tmp. */
async function checkTrust(directory: string, { files }: Programs): Promise<void> {
  for (const path of [directory, ...files.map((file) => join(directory, file))]) {
    const stats = await lstat(path);
    const reason = stats.isSymbolicLink() ? 'is a symbolic link' : distrust(stats);
    if (reason !== undefined) throw new Error(`${path} ${reason}`);
  }
}

/** Works beside the place and renames, so that a kill half-way, or a second one meanwhile, leaves whole programs. */
async function bring(
  source: Source,
  { name, files }: Programs,
  target: string,
  log: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  log(`Getting the ${name} ${source.version} from ${source.name}, once.`);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const unfinished = await mkdtemp(join(target, 'unfinished-'));
  const started = performance.now();
  const progress = setInterval(() => {
    log(`Still at it (${Math.round((performance.now() - started) / 1000)} s).`);
  }, 15_000);
  try {
    await source.bring(unfinished, env);
    for (const file of files) await rename(join(unfinished, file), join(target, file));
  } finally {
    clearInterval(progress);
    await rm(unfinished, { recursive: true, force: true });
  }
}
