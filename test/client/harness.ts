import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { workflowFailure, type FailureText } from '../../client/failure-text.ts';
import type { RecordedRequest } from '../../dev/sample-api/server.ts';
import { projectRoot } from '../../shared/project-root.ts';
import { TestStack, type StackOptions } from '../support/stack.ts';

/** A stack for one test, closed when the test ends. */
export async function stackFor(t: TestContext, options: StackOptions = {}): Promise<TestStack> {
  const stack = await TestStack.start(options);
  t.after(() => stack.close());
  return stack;
}

/** How a run failed; throws when it did not. */
export async function failureOf(run: Promise<unknown>): Promise<FailureText> {
  try {
    await run;
  } catch (error) {
    return workflowFailure(error);
  }
  throw new Error('The run was to fail, but it ended well.');
}

/** The requests of one call, or of storage for one file. */
export function callsOf(
  stack: TestStack,
  endpoint: RecordedRequest['endpoint'],
  file = '',
): RecordedRequest[] {
  return stack.api.requests.filter((r) => r.endpoint === endpoint && r.path.includes(file));
}

/** Waits until `condition` holds; throws after `limitMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Not within ${limitMs / 1_000} s: ${what}.`);
    await sleep(20);
  }
}

/** What a process of this project needs of our own environment; nothing of Temporal's, PostgreSQL's or the API's. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'NODE_OPTIONS', 'NODE_V8_COVERAGE', 'npm_config_cache'];

function environment(own: Record<string, string>): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(inherited), ...own };
}

const TSX = import.meta.resolve('tsx');

/** Node's arguments that run one of the project's scripts from any directory. */
function scriptOf(name: string): string[] {
  return ['--import', TSX, path.join(projectRoot, name)];
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  /** How long it took. */
  ms: number;
}

export interface Running {
  pid: number;
  /** Standard output and error so far. */
  output(): { stdout: string; stderr: string };
  ended: Promise<Ended>;
}

/** Away from the project's directory, so that a developer's `.env` has no part in it. */
function start(command: string, args: string[], env: Record<string, string>, cwd = tmpdir()): Running {
  const child = spawn(command, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} could not be started.`);
  const began = performance.now();
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  }
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    ...output,
    ms: performance.now() - began,
  }));
  return { pid, output: () => output, ended };
}

/** A client command that goes on while the test does something else. */
export function startClient(args: string[], env: Record<string, string>): Running {
  return start(process.execPath, [...scriptOf('client/main.ts'), ...args], env);
}

/** A client command, from its start to its end; one that hangs is ended, and has no code. */
export async function runClient(
  args: string[],
  env: Record<string, string>,
  limitMs = 60_000,
): Promise<Ended> {
  const client = startClient(args, env);
  const limit = setTimeout(() => process.kill(client.pid, 'SIGKILL'), limitMs);
  try {
    return await client.ended;
  } finally {
    clearTimeout(limit);
  }
}

/** `npm run client -- …` in the project's directory. */
export async function npmRunClient(args: string[], env: Record<string, string>): Promise<Ended> {
  return await start('npm', ['run', 'client', '--', ...args], env, projectRoot).ended;
}

/** The one JSON document that standard output holds. */
export function documentOf<T>({ stdout }: Ended): T {
  return JSON.parse(stdout) as T;
}

export interface WorkerProcess extends Running {
  /** Everything it has written. */
  log(): string;
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
}

/** A worker process that polls; it is killed when the test ends. */
export async function startWorkerProcess(
  t: TestContext,
  stack: TestStack,
  settings: Record<string, string> = {},
): Promise<WorkerProcess> {
  const worker = start(process.execPath, scriptOf('worker.ts'), { ...stack.environment, ...settings });
  let gone = false;
  const ended = worker.ended.finally(() => (gone = true));
  const kill = async () => {
    if (!gone) process.kill(worker.pid, 'SIGKILL');
    await ended;
  };
  t.after(kill);
  const log = () => worker.output().stderr + worker.output().stdout;
  await until(`a worker process that polls; its log:\n${log()}`, () => {
    if (gone) throw new Error(`The worker process has ended:\n${log()}`);
    return log().includes('worker started');
  });
  return { ...worker, ended, log, kill };
}
