import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { messageOf } from '../../domain/text.ts';
import { type Service, startService, untilReady } from './child-process.ts';
import { isErrno } from './errors.ts';
import { LOCALHOST, portAnswers, usablePort } from './ports.ts';
import { initialise, secretFile, serverSecret, waitForPreviousServer } from './postgres-data.ts';
import { Databases, SUPERUSER } from './postgres-databases.ts';
import { findPostgres, type PostgresProgram, startedOn } from './postgres-program.ts';

export interface PostgresOptions {
  /** Made when it is missing or empty, used again when it holds a database of this major version. */
  dataDir: string;
  /** A free one when not given. */
  port?: number;
  logFile: string;
  /** False for tests: faster, and a power cut (but no kill -9) may ruin the data. */
  fsync?: boolean;
  /** Any server setting, e.g. `{ timezone: 'Asia/Kamchatka' }`. */
  settings?: Readonly<Record<string, string>>;
}

export interface Postgres extends Service {
  port: number;
  /** The database `postgres` as the superuser. */
  adminUrl: string;
  /**
   * Makes a database unless it exists, and the role that owns it and has its name: one that can log in and is nothing
   * more, in particular no superuser. A copy of another database has that one's owner. The URL returned is the owner's.
   */
  createApplicationDatabase(name: string, template?: string): Promise<string>;
  /** Drops a database also from under its sessions; no error when there is none. */
  dropDatabase(name: string): Promise<void>;
  /** What a power cut does to it: the server and all its sessions end at once, with nothing written. */
  kill9(): Promise<void>;
}

const START_LIMIT_MS = 120_000;

/**
 * Starts a PostgreSQL server on the data directory and resolves when it takes queries. It listens on the loopback
 * address only, and its passwords are random: a known one would let every user of the machine in.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDir = resolve(options.dataDir);
  const program = await findPostgres(dataDir);
  await waitForPreviousServer(dataDir);
  const port = await usablePort('PostgreSQL', options.port);
  const isNew = !existsSync(join(dataDir, 'PG_VERSION'));
  const databases = new Databases(await serverSecret(dataDir, isNew), port);
  if (isNew) await initialise(dataDir, databases.passwordOf(SUPERUSER), options.fsync ?? true, program);
  const service = await startServer({ ...options, dataDir, port }, program, databases);
  return Object.assign(service, {
    port,
    adminUrl: databases.urlOf(SUPERUSER, 'postgres'),
    createApplicationDatabase: (name: string, template?: string) => databases.create(name, template),
    dropDatabase: (name: string) =>
      databases.asAdmin((client) =>
        client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`),
      ),
    kill9: () => killWithSessions(service),
  });
}

async function startServer(
  { dataDir, port, fsync, settings, logFile }: PostgresOptions & { port: number },
  program: PostgresProgram,
  databases: Databases,
): Promise<Service> {
  const { path, options } = startedOn(program, dataDir);
  const all: Record<string, string> = {
    listen_addresses: LOCALHOST,
    unix_socket_directories: '', // a path of more than 107 bytes would not start, and TCP is enough
    log_line_prefix: '%m [%p] %q%a %u@%d ',
    ...(fsync === false ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
    ...settings,
  };
  // On the command line, not in postgresql.conf: a start is decided by its options alone, not by earlier ones.
  const args = ['-D', path, '-p', String(port)];
  for (const [name, value] of Object.entries(all)) args.push('-c', `${name}=${value}`);
  const start = { name: 'PostgreSQL', command: program.postgres, args, logFile, ...options };

  // After a kill -9 of the server alone, a session deep in a query lives on until it next checks for interrupts, and
  // while it is attached to the old shared memory PostgreSQL rightly refuses to start beside it. That is soon over.
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    const service = await startService(start);
    try {
      await untilReady(service, START_LIMIT_MS, () => takesQueries(port, databases, dataDir));
      return service;
    } catch (error) {
      await service.stop(2000);
      const oldSessions = messageOf(error).includes('pre-existing shared memory block');
      if (!oldSessions || performance.now() > deadline) throw error;
      await sleep(250);
    }
  }
}

async function takesQueries(port: number, databases: Databases, dataDir: string): Promise<boolean> {
  if (!(await portAnswers(port))) return false;
  try {
    await databases.asAdmin((client) => client.query('select'));
    return true;
  } catch (error) {
    // invalid_password, never healed by asking again
    if (!isErrno(error, '28P01')) return false; // "the database system is starting up", or recovering after a kill
    throw new Error(
      `The PostgreSQL data directory ${dataDir} was made with another secret than ${secretFile(dataDir)}. ` +
        `Restore that file, or remove the directory to start with an empty database.`,
      { cause: error },
    );
  }
}

/** The sessions are in process groups of their own, and without their server they would finish their query. */
async function killWithSessions(service: Service): Promise<void> {
  const children = `/proc/${service.pid}/task/${service.pid}/children`;
  const sessions = (await readFile(children, 'utf8').catch(() => '')).split(' ').filter(Boolean);
  service.signal('SIGKILL');
  for (const pid of sessions) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error;
    }
  }
  await service.exited;
}
