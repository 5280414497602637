import { execFile } from 'node:child_process';
import { access, constants, lstat, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../domain/text.ts';
import { distrust } from '../../runtime/trust.ts';
import { isErrno } from './errors.ts';
import { goInstall } from './go-install.ts';
import { downloads } from './temporal-download.ts';
import { userCache } from './user-cache.ts';

const execFileAsync = promisify(execFile);

export interface Source {
  /** Said before it begins and when it fails. */
  name: string;
  /** The version that it brings. */
  version: string;
  /** Puts the verified program `temporal` into an empty directory. */
  bring(directory: string, env: NodeJS.ProcessEnv): Promise<void>;
}

export interface Found {
  path: string;
  version: string;
  /** `TEMPORAL_CLI`, `PATH`, `the cache` or the name of a source. */
  source: string;
}

/** `go install` refuses newer ones, which have replace directives in their go.mod (seen with 1.9.1). */
const BUILDABLE = '1.5.1';
export const BUILD: Source = {
  name: 'go install',
  version: BUILDABLE,
  bring: (directory, env) =>
    goInstall(`github.com/temporalio/cli/cmd/temporal@v${BUILDABLE}`, directory, env),
};

/**
 * Finds the Temporal CLI, which holds the dev server: the one that TEMPORAL_CLI names, `temporal` on the PATH or in
 * the user's cache, or else a download whose program is verified, or a build (contract, ruling 62).
 * @param options.log gets lines for the user: what was found, what failed, and what takes long
 */
export async function findTemporalCli(
  { log, env = process.env }: { log: (line: string) => void; env?: NodeJS.ProcessEnv },
  sources: readonly Source[] = [...downloads(), BUILD],
): Promise<Found> {
  const take = async (path: string, source: string): Promise<Found> => {
    const version = await versionOf(path);
    log(`Temporal CLI ${version} from ${source}: ${path}`);
    return { path, version, source };
  };
  const named = env.TEMPORAL_CLI;
  if (named) {
    return await take(named.includes(sep) ? resolve(named) : named, 'TEMPORAL_CLI').catch(
      (error: unknown) => {
        throw new Error(
          `TEMPORAL_CLI is set to ${named}, which is not a usable Temporal CLI: ${messageOf(error)}. Correct it, or unset it.`,
          { cause: error },
        );
      },
    );
  }
  const home = userCache(env);
  const cacheOf = ({ version }: Source) => join(home ?? '', 'temporal-cli', version);
  const cached = home === undefined ? [] : new Set(sources.map(cacheOf));
  const onPath = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  for (const directory of [...onPath, ...cached]) {
    const path = join(resolve(directory), 'temporal');
    if (!(await isProgram(path))) continue;
    try {
      if (onPath.includes(directory)) return await take(path, 'PATH');
      await checkTrust(directory);
      return await take(path, 'the cache');
    } catch (error) {
      log(`${path} is not a usable Temporal CLI (${messageOf(error)}); going on without it`);
    }
  }
  if (home === undefined) throw new Error(`HOME is not set: the Temporal CLI would be kept in its .cache.`);
  for (const source of sources) {
    const target = cacheOf(source);
    try {
      await bring(source, target, log, env);
      await checkTrust(target);
      return await take(join(target, 'temporal'), source.name);
    } catch (error) {
      log(`No Temporal CLI from ${source.name}: ${messageOf(error)}.`);
    }
  }
  throw new Error(
    'This machine has no Temporal CLI, and none of the ways to get one worked (see above): install it ' +
      '(https://docs.temporal.io/cli/setup-cli) or Go (https://go.dev/dl), or set TEMPORAL_CLI.',
  );
}

async function versionOf(program: string): Promise<string> {
  // Its first run reads 250 MB from a disk that may be busy with the build that made it.
  const { stdout } = await execFileAsync(program, ['--version'], { timeout: 30_000 }).catch(
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) throw new Error(`${program} does not exist`);
      throw new Error(`${program} does not run (${messageOf(error).trim().replaceAll('\n', ' ')})`);
    },
  );
  const version = /^temporal version (.+)$/m.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${program} --version does not report a version`);
  return version.trim();
}

function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Others may have put programs where the cache is, e.g. below /tmp. */
async function checkTrust(directory: string): Promise<void> {
  for (const path of [directory, join(directory, 'temporal')]) {
    const stats = await lstat(path);
    const reason = stats.isSymbolicLink() ? 'is a symbolic link' : distrust(stats);
    if (reason !== undefined) throw new Error(`${path} ${reason}`);
  }
}

/** Works beside the place and renames, so that a kill half-way, or a second one meanwhile, leaves a whole program. */
async function bring(
  source: Source,
  target: string,
  log: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  log(`Getting the Temporal CLI ${source.version} from ${source.name}, once.`);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const unfinished = await mkdtemp(join(target, 'unfinished-'));
  const progress = setInterval(() => log('Still at it.'), 15_000);
  try {
    await source.bring(unfinished, env);
    await rename(join(unfinished, 'temporal'), join(target, 'temporal'));
  } finally {
    clearInterval(progress);
    await rm(unfinished, { recursive: true, force: true });
  }
}
