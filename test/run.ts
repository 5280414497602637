import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../runtime/project-root.ts';
import { startDevServers, type Servers } from './support/servers.ts';
import { isSpecialTest, isUnitTest, testFiles } from './support/test-files.ts';

/** Twice the cores of a small machine, since tests wait for servers and clocks half of their time. */
const FILES_AT_ONCE = 4;
/** On a machine that is busy with other things as well. */
const FILE_LIMIT_MS = 1_200_000;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * `npm test [-- file, folder or flag of node:test …]`: runs the test files with node:test and the servers that they
 * need, on free ports. Without files: all but those of Citus and of containers; `--unit`: those that need no server.
 */
async function main(args: string[]): Promise<number> {
  const { files, flags } = await select(args);
  const directory = await mkdtemp(path.join(tmpdir(), 'sales-increment-test-'));
  // For servers that run as another user, whose directories are below it.
  await chmod(directory, 0o711);
  const stops: (() => Promise<unknown>)[] = [
    () => rm(directory, { recursive: true, force: true, maxRetries: 5 }),
  ];
  try {
    let servers: Servers = {};
    if (!(await Promise.all(files.map(isUnitTest))).every(Boolean))
      servers = await startDevServers({ directory, stops });
    return await run(files, flags, { ...servers, TMPDIR: directory, TSX_DISABLE_CACHE: '' });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Files of `test/` and their folders are told from flags, and from the values of flags. */
async function select(args: readonly string[]): Promise<{ files: string[]; flags: string[] }> {
  const files: string[] = [];
  const flags: string[] = [];
  for (const arg of args) {
    if (arg === '--unit') continue;
    const file = path.relative(projectRoot, path.resolve(arg));
    if (!file.startsWith('test')) flags.push(arg);
    else if (file.endsWith('.ts')) files.push(file);
    else files.push(...(await testFiles(file)));
  }
  if (files.length > 0) return { files, flags };
  const others = (await testFiles()).filter((file) => !isSpecialTest(file));
  if (!args.includes('--unit')) return { files: others, flags };
  const areUnit = await Promise.all(others.map(isUnitTest));
  return { files: others.filter((_, index) => areUnit[index]), flags };
}

async function run(
  files: readonly string[],
  flags: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const limitMs = Number(flags.findLast(isTimeLimit)?.split('=')[1] ?? FILE_LIMIT_MS);
  const child = spawn(
    process.execPath,
    [
      ...['--import', './test/support/test-process.js', 'test/support/run-files.ts'],
      `--test-concurrency=${FILES_AT_ONCE}`,
      // For a file that is too busy to keep the limit itself, as support/test-process.js has it.
      `--test-timeout=${limitMs + 10_000}`,
      ...flags.filter((flag) => !isTimeLimit(flag)),
      '--',
      ...files,
    ],
    {
      cwd: projectRoot,
      env: { ...process.env, ...environment, TEST_FILE_LIMIT_MS: String(limitMs) },
      stdio: ['ignore', 'inherit', 'inherit'],
      // A group of its own, which takes along what tests have left behind.
      detached: true,
    },
  );
  const interrupt = () => {
    child.kill('SIGINT');
  };
  for (const signal of STOP_SIGNALS) process.on(signal, interrupt);
  const [code] = (await once(child, 'exit')) as [number | null];
  for (const signal of STOP_SIGNALS) process.off(signal, interrupt);
  endGroup(child.pid);
  return code ?? 1;
}

function isTimeLimit(flag: string): boolean {
  return flag.startsWith('--test-timeout=');
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // nobody is left
  }
}

process.exitCode = await main(process.argv.slice(2));
