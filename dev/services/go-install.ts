import { execFile } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { whyNot } from './errors.ts';
import type { Source } from './find-programs.ts';

const execFileAsync = promisify(execFile);

/**
 * Builds programs, which takes minutes; Go verifies their source by its checksum database.
 * @param packages Go packages by the file names of the programs
 */
export function goInstall(version: string, packages: Readonly<Record<string, string>>): Source {
  return {
    name: 'go install',
    version,
    bring: async (directory, env) => {
      await execFileAsync(
        'go',
        ['install', ...Object.values(packages).map((path) => `${path}@v${version}`)],
        {
          cwd: directory, // away from any go.mod
          // Go has no place for its caches where HOME is not set, as under some service managers.
          env: { ...env, HOME: env['HOME'] ?? homedir(), GOBIN: directory },
          maxBuffer: 64 * 1024 * 1024,
        },
      ).catch((error: unknown) => {
        throw new Error(whyNot('Go', error), { cause: error });
      });
      for (const [file, path] of Object.entries(packages)) {
        // go install names a program by the last folder of its package.
        await rename(join(directory, basename(path)), join(directory, file));
      }
    },
  };
}
