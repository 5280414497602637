import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../../domain/text.ts';
import { isErrno, runTool } from './errors.ts';
import { SUPERUSER } from './postgres-databases.ts';
import { type PostgresProgram, startedOn } from './postgres-program.ts';

/** Beside a data directory: what all passwords of its server are derived from. */
export function secretFile(dataDir: string): string {
  return `${dataDir}.secret`;
}

/** The secret of an earlier start, or a new one. */
export async function serverSecret(dataDir: string): Promise<string> {
  const existing = await contentOf(secretFile(dataDir));
  if (existing !== undefined) return existing;
  await mkdir(dirname(dataDir), { recursive: true, mode: 0o700 });
  const secret = randomBytes(32).toString('hex');
  await writeFile(secretFile(dataDir), secret, { flag: 'wx', mode: 0o600 });
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
    await runTool('initdb', program.initdb, args, options);
    await rename(data, dataDir);
  } catch (error) {
    const message = `The PostgreSQL data directory ${dataDir} could not be made: ${messageOf(error)}`;
    throw new Error(message, { cause: error });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/**
 * Removes a pid file that a kill -9 left behind. PostgreSQL does so itself, except where its number belongs to another
 * process by now, which is the rule rather than the exception after the restart of a container.
 */
export async function removeStalePidFile(dataDir: string): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  const pid = Number.parseInt((await contentOf(pidFile)) ?? '', 10);
  if (pid > 0 && !(await isPostgres(pid))) await rm(pidFile, { force: true });
}

/** One that has ended but was not waited for has an empty command line. */
async function isPostgres(pid: number): Promise<boolean> {
  const commandLine =
    process.platform === 'linux'
      ? readFile(`/proc/${pid}/cmdline`, 'utf8')
      : runTool('ps', 'ps', ['-p', String(pid), '-o', 'args=']);
  const [program = ''] = String(await commandLine.catch(() => '')).split(/[\0 ]/);
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
