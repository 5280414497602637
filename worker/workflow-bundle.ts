import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import sdk from '@temporalio/worker/package.json' with { type: 'json' };
import { messageOf } from '../domain/text.ts';
import { AtomicFile } from '../runtime/atomic-file.ts';
import { ENCRYPTING_CONVERTERS } from '../runtime/codec/data-converter.ts';
import { projectRoot } from '../runtime/project-root.ts';
import { distrust } from '../runtime/trust.ts';

const workflowsPath = path.join(projectRoot, 'workflows', 'index.ts');
/** All that a bundle is made of, besides the SDK (`MAY_IMPORT` in eslint.config.js). */
const SOURCES = ['workflows', 'domain', 'runtime/codec'];

interface Options {
  /** A worker with PAYLOAD_KEYS has a bundle of its own. */
  encrypting?: boolean;
  directory?: string;
  /** Told when it cannot be kept. */
  onWarning?: (message: string) => void;
}

/**
 * The workflow bundle, from dist/. It is rebuilt, which takes seconds, when it is missing or its sources, whose hash is its
 * first line, have changed. Where dist/ cannot be written (contract, ruling 52) it is only returned.
 */
export async function workflowBundle({
  encrypting = false,
  directory = path.join(projectRoot, 'dist'),
  onWarning = () => undefined,
}: Options = {}): Promise<{ code: string }> {
  const file = path.join(directory, encrypting ? 'workflow-bundle-encrypted.js' : 'workflow-bundle.js');
  const stamp = `// ${await hashOfSources()}\n`;
  const kept = await readTrusted(directory, file);
  if (kept?.startsWith(stamp)) return { code: kept };
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    ...(encrypting && ENCRYPTING_CONVERTERS),
    logger: { trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error, log() {} },
  });
  try {
    await mkdir(directory, { recursive: true });
    await AtomicFile.put(file, Buffer.from(stamp + code));
    // It is code like the sources beside it: whoever may read those may read it, whatever the umask.
    await Promise.all([chmod(directory, 0o755), chmod(file, 0o644)]);
  } catch (error) {
    const reason = `it cannot be kept: ${messageOf(error)}`;
    onWarning(`the workflow bundle is built anew at each start, since ${reason}; npm run bundle keeps it`);
  }
  return { code: stamp + code };
}

/** Undefined where there is none, or others may have written it; whoever owns the sources could write what he likes. */
async function readTrusted(directory: string, file: string): Promise<string | undefined> {
  try {
    const owners = [(await stat(workflowsPath)).uid];
    const reasons = [distrust(await stat(directory), owners), distrust(await stat(file), owners)];
    return reasons.some(Boolean) ? undefined : await readFile(file, 'utf8');
  } catch {
    return undefined; // it is built instead
  }
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256').update(sdk.version);
  for (const folder of SOURCES) {
    const names = await readdir(path.join(projectRoot, folder), { recursive: true });
    for (const name of names.filter((one) => one.endsWith('.ts')).sort())
      hash.update(`\n${folder}/${name}\n`).update(await readFile(path.join(projectRoot, folder, name)));
  }
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const onWarning = (message: string) => {
    throw new Error(message);
  };
  for (const encrypting of [false, true]) await workflowBundle({ encrypting, onWarning });
  console.log('The workflow bundles are in dist/.');
}
