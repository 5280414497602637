import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { findTemporalCli } from '../../dev/services/temporal-cli.ts';
import { findTemporalRelease } from './temporal-release.ts';

const run = promisify(execFile);
const here = import.meta.dirname;

/**
 * Builds what can be built of the images that compose.yaml names, under these names, for an engine without a registry:
 * stand-ins.Dockerfile says of what.
 * @param images by service
 * @param base Debian with Node.js, of ../image/node-base.sh
 * @returns services whose image cannot be had
 */
export async function buildStandIns(
  images: Readonly<Record<string, string>>,
  base: string,
  build: (args: readonly string[]) => Promise<unknown>,
): Promise<string[]> {
  const context = await mkdtemp(path.join(tmpdir(), 'stand-ins-'));
  try {
    await fillContext(context);
    const targets = {
      postgres: 'postgres',
      temporal: 'temporal',
      'temporal-schema': 'temporal',
      prometheus: 'prometheus',
    };
    for (const [service, target] of Object.entries(targets)) {
      const options = ['--build-arg', `BASE=${base}`, '--file', path.join(here, 'stand-ins.Dockerfile')];
      await build([...options, '--target', target, '--tag', `docker.io/${nameOf(images[service])}`, context]);
    }
    return Object.keys(images).filter((service) =>
      Object.keys(targets).every((built) => images[built] !== images[service]),
    );
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** An image of Docker's own has no slash in its name. */
function nameOf(image = ''): string {
  return image.includes('/') ? image : `library/${image}`;
}

async function fillContext(context: string): Promise<void> {
  const release = await findTemporalRelease();
  const cli = await findTemporalCli({ log: console.log });
  await cp(release.server, path.join(context, 'temporal-server'));
  await cp(release.sqlTool, path.join(context, 'temporal-sql-tool'));
  await cp(cli.path, path.join(context, 'temporal'));
  await cp(path.join(here, 'postgres-entrypoint.sh'), path.join(context, 'postgres-entrypoint.sh'));
  const source = ['mod', 'download', '-json', `go.temporal.io/server@v${release.version}`];
  const { stdout } = await run('go', source, { cwd: context });
  const { Dir } = JSON.parse(stdout) as { Dir: string };
  await cp(path.join(Dir, 'docker', 'scripts', 'sh', 'entrypoint.sh'), path.join(context, 'entrypoint.sh'));
  for (const part of ['temporal', 'visibility']) {
    const schema = path.join('schema', 'postgresql', 'v12', part);
    await mkdir(path.join(context, schema), { recursive: true });
    // Go's cache of modules is read-only, which a copy of folders would take over.
    const paths = [path.join(Dir, schema, '.'), path.join(context, schema)];
    await run('cp', ['--recursive', '--no-preserve=mode', ...paths]);
  }
}
