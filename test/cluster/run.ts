import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findTemporalRelease } from './temporal-release.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import { exitCodeOf, startTestPostgres } from '../support/test-postgres.ts';

/**
 * `npm run test:cluster [-- file …]`: finds or builds a released Temporal server, starts one PostgreSQL for it and for
 * the product, and runs the test files beside this one; each starts a cluster of its own. A skipped test is a failure.
 */
async function main(): Promise<number> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sales-increment-cluster-'));
  const stops: (() => Promise<unknown>)[] = [
    () => rm(directory, { recursive: true, force: true, maxRetries: 5 }),
  ];
  try {
    const release = await findTemporalRelease({ log: console.log });
    const { postgres, template } = await startTestPostgres(directory, stops);
    await workflowBundle();
    return await runTests({
      ...process.env,
      TEMPORAL_SERVER_DIR: release.directory,
      TMPDIR: directory, // what a test that was broken off leaves there goes with it
      TEST_POSTGRES_URL: postgres.adminUrl,
      TEST_TEMPLATE_URL: template,
    });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function runTests(env: NodeJS.ProcessEnv): Promise<number> {
  const named = process.argv.slice(2);
  const files = named.length > 0 ? named : await testFiles();
  const child = spawn(
    process.execPath,
    // One at a time: each file has a server with all its services, and what it measures is part of the outcome.
    [
      '--import',
      'tsx',
      '--test',
      '--test-reporter=spec',
      '--test-concurrency=1',
      '--test-timeout=300000',
      ...files,
    ],
    // A group of its own, which takes along what a test that was broken off has left.
    { cwd: projectRoot, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  );
  const interrupt = () => {
    child.kill('SIGTERM');
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let tail = '';
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk);
    tail = (tail + chunk.toString()).slice(-2_000);
  });
  // Anything left of the group would hold its output open, and so its close back.
  child.once('exit', () => endGroup(child.pid));
  const [code] = (await once(child, 'close')) as [number | null];
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  return exitCodeOf(code, tail);
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // nobody is left
  }
}

async function testFiles(): Promise<string[]> {
  const names = await readdir(import.meta.dirname);
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.join(import.meta.dirname, name))
    .sort();
}

process.exitCode = await main();
