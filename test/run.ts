import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findTemporalCli } from '../dev/services/temporal-cli.ts';
import { startTemporalServer } from '../dev/services/temporal-server.ts';
import { projectRoot } from '../runtime/project-root.ts';
import { workflowBundle } from '../worker/workflow-bundle.ts';
import { exitCodeOf, startTestPostgres } from './support/test-postgres.ts';

/**
 * `npm test [-- file …]`: starts one Temporal server and one PostgreSQL for all tests, on free ports, and runs the
 * test files with node:test. Every test makes its own database from a template. A skipped test is a failure.
 */
async function main(): Promise<number> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sales-increment-test-'));
  const stops: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const cli = await findTemporalCli({ log: console.log });
    const temporal = await startTemporalServer({
      cliPath: cli.path,
      uiPort: false,
      logFile: path.join(directory, 'temporal.log'),
    });
    stops.push(() => temporal.stop());
    const { postgres, template } = await startTestPostgres(directory, stops);
    await workflowBundle();
    return await runTests({
      ...process.env,
      TEMPORAL_CLI: cli.path,
      TEMPORAL_ADDRESS: temporal.address,
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
    ['--import', 'tsx', '--test', '--test-concurrency=2', '--test-timeout=300000', ...files],
    { cwd: projectRoot, env, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let tail = '';
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk);
    tail = (tail + chunk.toString()).slice(-2_000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return exitCodeOf(code, tail);
}

async function testFiles(): Promise<string[]> {
  const names = await readdir(path.join(projectRoot, 'test'), { recursive: true });
  return (
    names
      .filter((name) => name.endsWith('.test.ts'))
      // Against a released server, which `npm run test:cluster` builds and starts.
      .filter((name) => !name.startsWith(`cluster${path.sep}`))
      .map((name) => path.join('test', name))
      .sort()
  );
}

process.exitCode = await main();
