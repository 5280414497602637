import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, constants, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { EnvHttpProxyAgent, interceptors, request } from 'undici';

import { isErrno, messageOf } from './errors.ts';

const execFileAsync = promisify(execFile);

/**
 * The version that is fetched or built where the machine has none. `go install` can build it; newer ones have
 * replace directives in their go.mod, which `go install` refuses (seen with 1.9.1).
 */
const VERSION = '1.5.1';
const GO_PACKAGE = `github.com/temporalio/cli/cmd/temporal@v${VERSION}`;
const DOWNLOAD = `https://temporal.download/cli/archive/v${VERSION}`;

export interface TemporalCli {
  path: string;
  /** As it calls itself, e.g. `1.5.1 (Server 1.29.1, UI 2.42.1)`. */
  version: string;
  /** Where it is from, in words: `TEMPORAL_CLI`, `PATH`, `the cache`, `download`, `go install`. */
  source: string;
}

export interface FindOptions {
  /** Told, line by line, which one was taken and what takes long. */
  say(line: string): void;
  env?: NodeJS.ProcessEnv;
}

/**
 * Finds the Temporal CLI, which holds the dev server: the one that TEMPORAL_CLI names, `temporal` on the PATH, one
 * that an earlier run put into the user's cache, the official download, or a build of its source by Go.
 */
export async function findTemporalCli(options: FindOptions): Promise<TemporalCli> {
  const env = options.env ?? process.env;
  const say = (line: string): void => options.say(line);
  const take = (path: string, version: string, source: string): TemporalCli => {
    say(`Temporal CLI ${version} from ${source}: ${path}`);
    return { path, version, source };
  };

  const named = env['TEMPORAL_CLI'];
  if (named !== undefined && named !== '') {
    const path = named.includes(sep) ? resolve(named) : ((await findOnPath(named, env)) ?? resolve(named));
    const version = await versionOf(path).catch((error: unknown) => {
      throw new Error(
        `TEMPORAL_CLI is set to ${named}, which is no usable Temporal CLI: ${messageOf(error)}. ` +
          `Correct it, or unset it to have one found.`,
        { cause: error },
      );
    });
    return take(path, version, 'TEMPORAL_CLI');
  }

  const onPath = await findOnPath('temporal', env);
  if (onPath !== undefined) {
    try {
      return take(onPath, await versionOf(onPath), 'PATH');
    } catch (error) {
      say(`${onPath} is no usable Temporal CLI (${messageOf(error)}), looking on`);
    }
  }

  const cache = join(cacheDirectory(env), 'temporal-cli');
  const cached = join(cache, VERSION, 'temporal');
  const fromCache = async (): Promise<TemporalCli | undefined> => {
    try {
      await access(cached);
    } catch {
      return undefined;
    }
    try {
      return take(cached, await versionOf(cached), 'the cache');
    } catch (error) {
      say(`${cached} is no usable Temporal CLI (${messageOf(error)}), replacing it`);
      return undefined;
    }
  };

  const found = await fromCache();
  if (found !== undefined) return found;
  return withLock(join(cache, `${VERSION}.lock`), say, async (workDirectory) => {
    const madeByAnother = await fromCache();
    if (madeByAnother !== undefined) return madeByAnother;
    const source = await make(workDirectory, say, env);
    const binary = join(workDirectory, 'temporal');
    const version = await versionOf(binary);
    await mkdir(dirname(cached), { recursive: true });
    await rename(binary, cached); // whole or not at all
    return take(cached, version, source);
  });
}

/** Puts the file `temporal` into the directory and tells how. */
async function make(
  directory: string,
  say: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<'download' | 'go install'> {
  let downloadFailure: string;
  try {
    await download(directory, say, env);
    await versionOf(join(directory, 'temporal'));
    return 'download';
  } catch (error) {
    downloadFailure = messageOf(error);
    say(`the Temporal CLI's official download does not work here (${downloadFailure})`);
  }
  const go = await findOnPath('go', env);
  let buildFailure = 'Go, to build it, is not installed';
  if (go !== undefined) {
    try {
      await build(go, directory, say, env);
      return 'go install';
    } catch (error) {
      buildFailure = `go install failed: ${messageOf(error)}`;
    }
  }
  throw new Error(
    `This machine has no Temporal CLI and could not get one (download: ${downloadFailure}; ${buildFailure}). ` +
      `Install it (brew install temporal, or see https://docs.temporal.io/cli/setup-cli) ` +
      `or set TEMPORAL_CLI to the path of one.`,
  );
}

async function download(
  directory: string,
  say: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const architectures: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
  const architecture = architectures[process.arch];
  if (architecture === undefined || !['linux', 'darwin'].includes(process.platform)) {
    throw new Error(`there is none for ${process.platform} on ${process.arch}`);
  }
  const url = new URL(DOWNLOAD);
  url.search = new URLSearchParams({ platform: process.platform, arch: architecture }).toString();

  const proxy = env['https_proxy'] ?? env['HTTPS_PROXY'];
  const agent = new EnvHttpProxyAgent({
    connect: { timeout: 5000 },
    headersTimeout: 15_000,
    bodyTimeout: 15_000, // from one piece to the next, not for the whole
    ...(proxy === undefined ? {} : { httpsProxy: proxy }),
  });
  const archive = join(directory, 'temporal.tar.gz');
  try {
    const { statusCode, body } = await request(url, {
      dispatcher: agent.compose(interceptors.redirect({ maxRedirections: 5 })),
    });
    if (statusCode !== 200) throw new Error(`${url.host} answered ${statusCode}`);
    say(`downloading the Temporal CLI ${VERSION} from ${url.host}`);
    await pipeline(body, createWriteStream(archive));
  } finally {
    await agent.destroy();
  }
  await execFileAsync('tar', ['-xzf', archive, '-C', directory, 'temporal']);
}

async function build(
  go: string,
  directory: string,
  say: (line: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  say(`building the Temporal CLI ${VERSION} with go install, about 2 minutes, once`);
  const started = performance.now();
  const progress = setInterval(() => {
    say(`still building the Temporal CLI (${Math.round((performance.now() - started) / 1000)} s)`);
  }, 15_000);
  try {
    const child = spawn(go, ['install', GO_PACKAGE], {
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
      child.once('error', fail);
      child.once('close', done);
    });
    if (code !== 0)
      throw new Error(lastWords.trim().split('\n').slice(-3).join(' | ') || `code ${String(code)}`);
  } finally {
    clearInterval(progress);
  }
}

/** The version that a Temporal CLI tells; an error where the file is none or does not run. */
async function versionOf(path: string): Promise<string> {
  // Its first run reads 250 MB from a disk that may be busy with the build that made it.
  const { stdout } = await execFileAsync(path, ['--version'], { timeout: 30_000 }).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) throw new Error('no such file');
    if (isErrno(error, 'EACCES')) throw new Error('it may not be executed');
    throw new Error(`it does not run (${messageOf(error).trim().split('\n').join(' ')})`);
  });
  const version = /^temporal version (.+)$/m.exec(stdout)?.[1];
  if (version === undefined) throw new Error('its --version does not say "temporal version"');
  return version.trim();
}

async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const directory of (env['PATH'] ?? '').split(delimiter)) {
    if (directory === '') continue;
    const path = resolve(directory, name);
    try {
      await access(path, constants.X_OK);
      if ((await stat(path)).isFile()) return path;
    } catch {
      // not in this one
    }
  }
  return undefined;
}

export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  const named = env['XDG_CACHE_HOME'];
  // A relative one is to be ignored, says the XDG specification.
  if (named !== undefined && isAbsolute(named)) return named;
  return join(env['HOME'] ?? homedir(), '.cache');
}

// ---------------------------------------------------------------------------------------------------------
// One at a time

const BEAT_MS = 2000;
const STALE_MS = 15_000;

/**
 * Runs `work` while no other process does. The lock is a directory, which only one can make, and also the place
 * for unfinished files: what a killed holder leaves is removed with its lock. A holder shows that it is alive by
 * touching it, so a stale lock is told by its age, whatever became of the holder's process id.
 */
async function withLock<Result>(
  lock: string,
  say: (line: string) => void,
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const mark = join(lock, 'holder');
  const me = randomUUID();
  await mkdir(dirname(lock), { recursive: true });
  let saidWaiting = false;
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
    const touched = await stat(lock).then(
      (stats) => stats.mtimeMs,
      () => undefined,
    );
    if (touched === undefined) continue; // released this moment
    if (Date.now() - touched > STALE_MS) {
      // Renamed first: of two that find it stale, only one gets it.
      const stale = `${lock}.stale-${me}`;
      await rename(lock, stale).catch(() => undefined);
      await rm(stale, { recursive: true, force: true });
      continue;
    }
    if (!saidWaiting) say('another process is getting the Temporal CLI, waiting for it');
    saidWaiting = true;
    await sleep(500);
  }

  await writeFile(mark, me);
  const beat = setInterval(() => {
    const now = new Date();
    utimes(lock, now, now).catch(() => undefined);
  }, BEAT_MS);
  try {
    return await work(lock);
  } finally {
    clearInterval(beat);
    const holder = await readFile(mark, 'utf8').catch(() => undefined);
    // Not ours any more after a long sleep of the machine, say.
    if (holder === me) await rm(lock, { recursive: true, force: true });
  }
}
