import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { promisify } from 'node:util';
import { whyNot } from './errors.ts';
import type { Source } from './temporal-cli.ts';

/** `go install` refuses newer ones, which have replace directives in their go.mod (seen with 1.9.1). */
const VERSION = '1.5.1';

/** Builds the Temporal CLI, which takes minutes; Go verifies its source by its checksum database. */
export const GO_INSTALL: Source = {
  name: 'go install',
  version: VERSION,
  bring: async (directory, env) => {
    await promisify(execFile)('go', ['install', `github.com/temporalio/cli/cmd/temporal@v${VERSION}`], {
      cwd: directory, // away from any go.mod
      // Go has no place for its caches where HOME is not set, as under some service managers.
      env: { ...env, HOME: env['HOME'] ?? homedir(), GOBIN: directory },
      maxBuffer: 64 * 1024 * 1024,
    }).catch((error: unknown) => {
      throw new Error(whyNot('Go', error), { cause: error });
    });
  },
};
