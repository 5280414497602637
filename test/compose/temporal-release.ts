import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { goInstall } from '../../dev/services/go-install.ts';
import { userCache } from '../../dev/services/user-cache.ts';

/** The programs of a released Temporal server. */
export interface TemporalRelease {
  server: string;
  sqlTool: string;
  /** As the server reports it, e.g. `1.32.0`. */
  version: string;
}

/** That of the dev server of the CLI 1.9.1, so that the two can be compared. */
const VERSION = '1.32.0';

/**
 * Finds `temporal-server` and `temporal-sql-tool`: in the directory that TEMPORAL_SERVER_DIR names, in the user's
 * cache, or as a build.
 */
export async function findTemporalRelease(): Promise<TemporalRelease> {
  const { TEMPORAL_SERVER_DIR: named } = process.env;
  const directory = named ?? join(userCache(process.env) ?? '', 'temporal-server', VERSION);
  const [server, sqlTool] = ['temporal-server', 'temporal-sql-tool'].map((name) => join(directory, name)) as [
    string,
    string,
  ];
  if (named === undefined) {
    await built('server', server, directory);
    await built('tools/sql', sqlTool, directory);
  }
  const [version, other] = [await versionOf(server), await versionOf(sqlTool)];
  if (other !== version)
    throw new Error(`The programs in ${directory} are of the versions ${version} and ${other}.`);
  return { server, sqlTool, version };
}

async function built(command: string, program: string, directory: string): Promise<void> {
  if (existsSync(program)) return;
  console.log(`Building ${program}, once.`);
  await mkdir(directory, { recursive: true });
  await goInstall(`go.temporal.io/server/cmd/${command}@v${VERSION}`, directory, process.env);
  // go install names a program by the last folder of its package.
  await rename(join(directory, command.split('/').at(-1) ?? ''), program);
}

async function versionOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['--version']);
  const version = /version (\d+\.\d+\.\d+\S*)\s*$/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${program} --version does not report a version.`);
  return version;
}
