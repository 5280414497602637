import { join } from 'node:path';
import { findPrograms, type FindOptions, type Found, reportedVersion, type Source } from './find-programs.ts';
import { goInstall } from './go-install.ts';
import { downloads } from './temporal-download.ts';

/** `go install` refuses newer ones, which have replace directives in their go.mod (seen with 1.9.1). */
const BUILDABLE = goInstall('1.5.1', { temporal: 'github.com/temporalio/cli/cmd/temporal' });

/**
 * Finds the Temporal CLI, which holds the dev server: the one that TEMPORAL_CLI names, `temporal` on the PATH or in
 * the user's cache, or else a download whose program is verified, or a build (contract, ruling 62).
 */
export async function findTemporalCli(
  options: FindOptions,
  sources: readonly Source[] = [...downloads(), BUILDABLE],
): Promise<Found> {
  return await findPrograms(
    {
      name: 'Temporal CLI',
      variable: 'TEMPORAL_CLI',
      cache: 'temporal-cli',
      files: ['temporal'],
      sources,
      install: 'https://docs.temporal.io/cli/setup-cli',
      pathIn: (directory) => join(directory, 'temporal'),
      versionOf: (path) => reportedVersion(path, /^temporal version (.+)$/m),
    },
    options,
  );
}
