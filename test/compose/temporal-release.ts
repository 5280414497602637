import { join } from 'node:path';
import { findPrograms, type FindOptions, reportedVersion } from '../../dev/services/find-programs.ts';
import { goInstall } from '../../dev/services/go-install.ts';

/** The programs of a released Temporal server. */
export interface TemporalRelease {
  server: string;
  sqlTool: string;
  /** As the server reports it, e.g. `1.32.0`. */
  version: string;
}

const PACKAGES = {
  'temporal-server': 'go.temporal.io/server/cmd/server',
  'temporal-sql-tool': 'go.temporal.io/server/cmd/tools/sql',
};

/**
 * Finds `temporal-server` and `temporal-sql-tool`: in the directory that TEMPORAL_SERVER_DIR names, in one of the
 * PATH, in the user's cache, or as a build.
 */
export async function findTemporalRelease(options: FindOptions): Promise<TemporalRelease> {
  const { path: directory, version } = await findPrograms(
    {
      name: 'Temporal server',
      variable: 'TEMPORAL_SERVER_DIR',
      cache: 'temporal-server',
      files: Object.keys(PACKAGES),
      // That of the dev server of the CLI 1.9.1, so that the two can be compared.
      sources: [goInstall('1.32.0', PACKAGES)],
      install: 'https://docs.temporal.io/self-hosted-guide',
      pathIn: (found) => found,
      versionOf,
    },
    options,
  );
  return { ...programsIn(directory), version };
}

function programsIn(directory: string) {
  return { server: join(directory, 'temporal-server'), sqlTool: join(directory, 'temporal-sql-tool') };
}

async function versionOf(directory: string): Promise<string> {
  const { server, sqlTool } = programsIn(directory);
  const pattern = /version (\d+\.\d+\.\d+\S*)\s*$/;
  const [version, other] = [await reportedVersion(server, pattern), await reportedVersion(sqlTool, pattern)];
  if (other !== version) throw new Error(`its programs are of different versions, ${version} and ${other}`);
  return version;
}
