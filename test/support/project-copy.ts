import { cp, mkdtemp, realpath, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../runtime/project-root.ts';

/** What a clone does not have, or has of its own. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', '.env', 'node_modules', 'dist', 'var']);

/**
 * The project's sources in a temporary folder, to be changed by a test, with the packages of this one. Never run
 * `npm ci` or `temporal-dev.sh` there: through the link they would remove the packages.
 */
export async function copyProject(): Promise<string> {
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), 'project-')));
  await cp(projectRoot, directory, {
    recursive: true,
    filter: (source) => !LEFT_OUT.has(path.relative(projectRoot, source)),
  });
  await symlink(path.join(projectRoot, 'node_modules'), path.join(directory, 'node_modules'));
  return directory;
}
