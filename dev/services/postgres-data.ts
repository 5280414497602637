import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../domain/text.ts';
import { isErrno } from './errors.ts';
import { SUPERUSER } from './postgres-databases.ts';
import { type PostgresProgram, startedOn } from './postgres-program.ts';

const execFileAsync = promisify(execFile);

/** Beside a data directory: what all passwords of its server are derived from. */
export function secretFile(dataDir: string): string {
  return `${dataDir}.secret`;
}

/** Makes the secret for a new database, and reads it again for an existing one. */
export async function serverSecret(dataDir: string, isNew: boolean): Promise<string> {
  const file = secretFile(dataDir);
  const existing = await contentOf(file);
  if (existing !== undefined) return existing;
  if (!isNew) {
    throw new Error(
      `The PostgreSQL data directory ${dataDir} has no ${basename(file)} beside it, so its passwords are not known. ` +
        `Remove the directory to start with an empty database.`,
    );
  }
  await mkdir(dirname(dataDir), { recursive: true, mode: 0o700 });
  const secret = randomBytes(32).toString('hex');
  await writeFile(file, secret, { flag: 'wx', mode: 0o600 });
  return secret;
}

export async function initialise(
  dataDir: string,
  superuserPassword: string,
  fsync: boolean,
  program: PostgresProgram,
): Promise<void> {
  // Made beside its place and renamed when it is complete: a kill half-way leaves no half database.
  const unfinished = `${dataDir}.init-${process.pid}`;
  const [data, passwordFile] = [join(unfinished, 'data'), join(unfinished, 'password')];
  await rm(unfinished, { recursive: true, force: true });
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    await writeFile(passwordFile, superuserPassword, { mode: 0o600 });
    if (program.user) {
      for (const made of [unfinished, data, passwordFile])
        await chown(made, program.user.uid, program.user.gid);
    }
    const { path, options } = startedOn(program, data);
    const args = [
      `--pgdata=${path}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${path}/../password`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // PostgreSQL's own C.UTF-8: the same order and letters on every machine, whatever locales it has.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--no-instructions',
      ...(fsync ? [] : ['--no-sync']),
    ];
    await execFileAsync(program.initdb, args, options);
    await rename(data, dataDir);
  } catch (error) {
    throw new Error(`The PostgreSQL data directory ${dataDir} could not be made: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/**
 * A server can still be at work in the directory: one that is ending because the program that started it was
 * killed a moment ago, or one that belongs to a second run of that program. A pid file that a kill -9 left
 * behind is no such sign; PostgreSQL removes it itself, except where its number belongs to another process by
 * now, which is the rule rather than the exception after the restart of a container.
 */
export async function waitForPreviousServer(dataDir: string): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  const deadline = performance.now() + 5_000;
  for (;;) {
    const text = await contentOf(pidFile);
    if (text === undefined) return;
    const pid = Number.parseInt(text, 10);
    if (!(await isPostgres(pid))) {
      await rm(pidFile, { force: true });
      return;
    }
    if (performance.now() > deadline) {
      throw new Error(
        `Another PostgreSQL server (process ${pid}) runs on the data directory ${dataDir}: ` +
          `stop it, or use another directory.`,
      );
    }
    await sleep(50);
  }
}

/** One that has ended but was not waited for has an empty command line. */
async function isPostgres(pid: number): Promise<boolean> {
  const commandLine =
    process.platform === 'linux'
      ? readFile(`/proc/${pid}/cmdline`, 'utf8')
      : execFileAsync('ps', ['-p', String(pid), '-o', 'args=']).then(({ stdout }) => stdout);
  const [program = ''] = (await commandLine.catch(() => '')).split(/[\0 ]/);
  return basename(program).startsWith('postgres');
}

async function contentOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
