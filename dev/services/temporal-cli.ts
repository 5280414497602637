import { join } from 'node:path';
import { findPrograms, type FindOptions, type Found, reportedVersion } from './go-programs.ts';

/**
 * Finds the Temporal CLI, which holds the dev server: the one that TEMPORAL_CLI names, `temporal` on the PATH or in
 * the user's cache, or a build. The official download is left out: it publishes no checksum to verify it with.
 */
export async function findTemporalCli(options: FindOptions): Promise<Found> {
  return await findPrograms(
    {
      name: 'Temporal CLI',
      // Newer ones have replace directives in their go.mod, which `go install` refuses (seen with 1.9.1).
      version: '1.5.1',
      variable: 'TEMPORAL_CLI',
      cache: 'temporal-cli',
      packages: { temporal: 'github.com/temporalio/cli/cmd/temporal' },
      pathIn: (directory) => join(directory, 'temporal'),
      versionOf: (path) => reportedVersion(path, /^temporal version (.+)$/m),
    },
    options,
  );
}
