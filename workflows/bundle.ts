import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { projectRoot } from '../shared/project-root.ts';

/** Folders whose code is, or may be, part of the bundle. */
const SOURCES = ['workflows', 'shared', 'feeds', 'tracing'];
const BUNDLE = path.join(projectRoot, 'dist', 'workflow-bundle.js');
const workflowsPath = fileURLToPath(new URL('./index.ts', import.meta.url));
const tracesPath = fileURLToPath(new URL('../tracing/workflow.ts', import.meta.url));

/**
 * The workflow bundle, prebuilt: its path. It is built when it is missing or older than its sources, which takes
 * some seconds; a worker that finds it polls at once.
 */
export async function workflowBundle(): Promise<{ codePath: string }> {
  const stamp = `// sources ${await sourcesHash()}\n`;
  const built = await readFile(BUNDLE, 'utf8').catch(() => '');
  if (!built.startsWith(stamp)) await build(stamp);
  return { codePath: BUNDLE };
}

async function build(stamp: string): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules: [tracesPath],
    logger: { trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error, log() {} },
  });
  await mkdir(path.dirname(BUNDLE), { recursive: true });
  const temporary = `${BUNDLE}.${process.pid}.tmp`;
  await writeFile(temporary, stamp + code);
  await rename(temporary, BUNDLE);
}

async function sourcesHash(): Promise<string> {
  const hash = createHash('sha256');
  hash.update(await readFile(createRequire(import.meta.url).resolve('@temporalio/worker/package.json')));
  for (const folder of SOURCES) {
    const files = await readdir(path.join(projectRoot, folder), { recursive: true });
    for (const file of files.filter((name) => name.endsWith('.ts')).sort()) {
      hash.update(`\0${folder}/${file}\0`).update(await readFile(path.join(projectRoot, folder, file)));
    }
  }
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { codePath } = await workflowBundle();
  console.log(`workflow bundle: ${path.relative(process.cwd(), codePath)}`);
}
