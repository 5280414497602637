import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startService, untilReady } from '../../dev/services/child-process.ts';
import { freePort, LOCALHOST, portAnswers } from '../../dev/services/ports.ts';
import { PGBOUNCER } from './left-out.ts';

export interface Pgbouncer {
  /** The database, by the pooler. */
  url: string;
  stop(): Promise<void>;
}

/** Starts a pgbouncer in front of one database. */
export async function startPgbouncer(
  databaseUrl: string,
  poolMode: 'session' | 'transaction',
  poolSize = 20,
): Promise<Pgbouncer> {
  const database = new URL(databaseUrl);
  const name = database.pathname.slice(1);
  const port = await freePort();
  const directory = await mkdtemp(path.join(tmpdir(), 'pgbouncer-'));
  const file = (one: string) => path.join(directory, one);
  await writeFile(file('users.txt'), `"${database.username}" "${decodeURIComponent(database.password)}"\n`);
  await writeFile(
    file('pgbouncer.ini'),
    `[databases]
${name} = host=${database.hostname} port=${database.port} dbname=${name}
[pgbouncer]
listen_addr = ${LOCALHOST}
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${file('users.txt')}
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
`,
  );
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : undefined;
  await chmod(directory, 0o700);
  if (user) for (const one of ['', 'users.txt', 'pgbouncer.ini']) await chown(file(one), user.uid, user.gid);
  const service = await startService({
    name: 'pgbouncer',
    command: PGBOUNCER ?? '',
    args: ['-q', file('pgbouncer.ini')],
    logFile: file('pgbouncer.log'),
    cwd: '/',
    ...user,
  });
  await untilReady(service, 10_000, () => portAnswers(port));
  database.host = `${LOCALHOST}:${port}`;
  return {
    url: database.href,
    async stop() {
      await service.stop(500);
      await rm(directory, { recursive: true });
    },
  };
}

function idOf(kind: '-u' | '-g'): number {
  return Number(execFileSync('id', [kind, 'nobody'], { encoding: 'utf8' }));
}
