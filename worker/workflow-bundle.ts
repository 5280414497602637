import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { ENCRYPTING_CONVERTERS } from '../runtime/codec/data-converter.ts';
import { projectRoot } from '../runtime/project-root.ts';

const BUNDLE = path.join(projectRoot, 'dist', 'workflow-bundle.js');
const ENCRYPTED_BUNDLE = path.join(projectRoot, 'dist', 'workflow-bundle-encrypted.js');
const workflowsPath = path.join(projectRoot, 'workflows', 'index.ts');
const tracingPath = path.join(projectRoot, 'runtime', 'tracing', 'workflow.ts');
const sdkPath = createRequire(import.meta.url).resolve('@temporalio/worker/package.json');

/** SHA-256 by path, relative to the project: of every source of the bundle, and of the SDK that built it. */
type Sources = Record<string, string>;

/**
 * Path of the prebuilt workflow bundle. It is rebuilt, which takes seconds, when it is missing or one of its sources
 * has changed; the first line of the bundle lists them.
 * @param encrypting a worker with PAYLOAD_KEYS has a bundle of its own
 */
export async function workflowBundle({ encrypting } = { encrypting: false }): Promise<{ codePath: string }> {
  const codePath = encrypting ? ENCRYPTED_BUNDLE : BUNDLE;
  const [firstLine = ''] = (await readFile(codePath, 'utf8').catch(() => '')).split('\n', 1);
  if (!(await isUpToDate(firstLine.slice('// '.length)))) await build(codePath, encrypting);
  return { codePath };
}

async function isUpToDate(stamp: string): Promise<boolean> {
  if (stamp === '') return false;
  try {
    const built = JSON.parse(stamp) as Sources;
    return JSON.stringify(await hashesOf(Object.keys(built))) === stamp;
  } catch {
    // A source is gone, or the line is no stamp.
    return false;
  }
}

async function build(codePath: string, encrypting: boolean): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules: [tracingPath],
    ...(encrypting && ENCRYPTING_CONVERTERS),
    logger: { trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error, log() {} },
  });
  const stamp = JSON.stringify(await hashesOf([...sourcesOf(code), path.relative(projectRoot, sdkPath)]));
  await mkdir(path.dirname(codePath), { recursive: true });
  const temporary = `${codePath}.${process.pid}.tmp`;
  await writeFile(temporary, `// ${stamp}\n${code}`);
  await rename(temporary, codePath);
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
  // An image is built by root, and its worker is another user.
  process.umask(0o022);
  for (const encrypting of [false, true]) {
    const { codePath } = await workflowBundle({ encrypting });
    console.log(`workflow bundle: ${path.relative(process.cwd(), codePath)}`);
  }
}
