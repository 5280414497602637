import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { AtomicFile } from '../runtime/atomic-file.ts';
import { ENCRYPTING_CONVERTERS } from '../runtime/codec/data-converter.ts';
import { projectRoot } from '../runtime/project-root.ts';
import { distrust, distrustOf } from '../runtime/trust.ts';
import { userCache } from '../runtime/user-cache.ts';

const workflowsPath = path.join(projectRoot, 'workflows', 'index.ts');
const sdkPath = createRequire(import.meta.url).resolve('@temporalio/worker/package.json');

/** Where a bundle may be kept. */
interface Place {
  directory: string;
  directoryMode: number;
  fileMode: number;
}

/** SHA-256 by path, relative to the project: of every source of the bundle, and of the SDK that built it. */
type Sources = Record<string, string>;

interface Options {
  /** A worker with PAYLOAD_KEYS has a bundle of its own. */
  encrypting?: boolean;
  /** Where to look for it and to keep it, the first choice first. */
  places?: readonly Place[];
  /** Told when it cannot be kept. */
  onWarning?: (message: string) => void;
}

/**
 * The workflow bundle. It is rebuilt, which takes seconds, when it is missing or one of its sources has changed; the first
 * line of the bundle lists them. It is kept in dist/, or in the user's cache where that cannot be written
 * (contract, ruling 52), and without either it is only returned.
 */
export async function workflowBundle({
  encrypting = false,
  places = usualPlaces(),
  onWarning = () => undefined,
}: Options = {}): Promise<{ code: string }> {
  const name = encrypting ? 'workflow-bundle-encrypted.js' : 'workflow-bundle.js';
  for (const { directory } of places) {
    const code = await readTrusted(directory, name);
    if (code !== undefined && (await isUpToDate(code))) return { code };
  }
  const code = await build(encrypting);
  const faults: string[] = [];
  for (const place of places) {
    const fault = await keep(place, name, code);
    if (fault === undefined) return { code };
    faults.push(fault);
  }
  onWarning(`the workflow bundle is built anew at each start, since it cannot be kept: ${faults.join('; ')}`);
  return { code };
}

function usualPlaces(): Place[] {
  // It is code like the sources beside it: whoever may read those may read it, whatever the umask.
  const dist = { directory: path.join(projectRoot, 'dist'), directoryMode: 0o755, fileMode: 0o644 };
  const cache = userCache(process.env);
  if (cache === undefined) return [dist];
  const own = { directory: path.join(cache, 'sales-increment'), directoryMode: 0o700, fileMode: 0o600 };
  return [dist, own];
}

/** Undefined where there is none that can be read, or where others may have written it. */
async function readTrusted(directory: string, name: string): Promise<string | undefined> {
  try {
    const owners = await ownersOfSources();
    if ((await distrustOf(directory, owners)) !== undefined) return undefined;
    const file = await open(path.join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      // What is checked is what is read.
      return distrust(await file.stat(), owners) === undefined ? await file.readFile('utf8') : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined; // it is built instead
  }
}

/** Whoever owns the sources could write into them what he likes. */
async function ownersOfSources(): Promise<number[]> {
  return [(await stat(workflowsPath)).uid];
}

async function isUpToDate(code: string): Promise<boolean> {
  const stamp = code.slice('// '.length, code.indexOf('\n'));
  try {
    const built = JSON.parse(stamp) as Sources;
    return JSON.stringify(await hashesOf(Object.keys(built))) === stamp;
  } catch {
    // A source is gone, or the line is no stamp.
    return false;
  }
}

async function build(encrypting: boolean): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    ...(encrypting && ENCRYPTING_CONVERTERS),
    logger: { trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error, log() {} },
  });
  const stamp = JSON.stringify(await hashesOf([...sourcesOf(code), path.relative(projectRoot, sdkPath)]));
  return `// ${stamp}\n${code}`;
}

/** Why it cannot be kept there; undefined when it is. */
async function keep(
  { directory, directoryMode, fileMode }: Place,
  name: string,
  code: string,
): Promise<string | undefined> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const reason = await distrustOf(directory, await ownersOfSources());
    if (reason !== undefined) return `${directory} ${reason}`;
    await chmod(directory, directoryMode);
    const target = path.join(directory, name);
    await AtomicFile.put(target, Buffer.from(code));
    await chmod(target, fileMode);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The project's own files in the bundle, by its inline source map. */
function sourcesOf(code: string): string[] {
  const [, base64 = ''] =
    /sourceMappingURL=data:[^,]*base64,([\w+/=]+)/.exec(code.slice(code.lastIndexOf('\n//#'))) ?? [];
  const { sources } = JSON.parse(Buffer.from(base64, 'base64').toString()) as { sources: string[] };
  return sources
    .filter((source) => path.isAbsolute(source) && source.endsWith('.ts'))
    .map((source) => path.relative(projectRoot, source))
    .filter((source) => !source.startsWith('node_modules'))
    .sort();
}

async function hashesOf(files: readonly string[]): Promise<Sources> {
  const hashes = files.map(async (file) => {
    const text = await readFile(path.join(projectRoot, file));
    return [file, createHash('sha256').update(text).digest('hex')] as const;
  });
  return Object.fromEntries(await Promise.all(hashes));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const onWarning = (message: string) => {
    throw new Error(message);
  };
  for (const encrypting of [false, true])
    await workflowBundle({ encrypting, places: usualPlaces().slice(0, 1), onWarning });
  console.log('The workflow bundles are in dist/.');
}
