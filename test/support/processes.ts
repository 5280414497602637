import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { projectRoot } from '../../runtime/project-root.ts';
import { documentName } from './client-documents.ts';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  pid: number;
  /** All output so far, standard output and error together. */
  output(): string;
  /** Waits until the output holds the text. */
  says(text: string, withinMs?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

/** The exit code after Ctrl-C. */
const INTERRUPTED = 130;

/** What ends the processes that run. A test that fails stops nothing: they end with the process of its file. */
const kills = new Set<() => void>();
process.once('exit', () => {
  for (const kill of kills) kill();
});

export function killAtExit(child: ChildProcess, { group = false } = {}): void {
  const { pid } = child;
  if (pid === undefined) return;
  const kill = () => {
    try {
      process.kill(group ? -pid : pid, 'SIGKILL');
    } catch {
      // It ended just now.
    }
  };
  kills.add(kill);
  child.once('exit', () => kills.delete(kill));
}

interface LaunchOptions {
  env?: Record<string, string>;
  directory?: string;
  /** In a process group of its own, all of which is killed. */
  group?: boolean;
}

/** What every program has of the environment of the tests: none of the project's settings. */
const { PATH, HOME, TMPDIR, TSX_DISABLE_CACHE } = process.env;

/** Starts a program with only these variables of the project. */
export function launch(command: string, args: readonly string[], options: LaunchOptions = {}): Running {
  const { env = {}, directory = projectRoot, group = false } = options;
  const child = spawn(command, args, {
    cwd: directory,
    env: { PATH, HOME, TMPDIR, TSX_DISABLE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: group,
  });
  killAtExit(child, { group });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const { pid = 0 } = child;
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    output: () => stdout + stderr,
    says: (text, withinMs) => untilSaid(text, () => stdout + stderr, hasEnded, withinMs),
    kill: (signal) => {
      if (!hasEnded()) process.kill(group ? -pid : pid, signal);
    },
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr })),
  };
}

/** Waits until the output of what runs holds the text. */
export async function untilSaid(
  text: string,
  output: () => string,
  hasEnded: () => boolean,
  withinMs = 300_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!output().includes(text)) {
    if (hasEnded() || Date.now() > deadline) throw new Error(`"${text}" was not said: ${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts one of the project's programs as a user would. What the client prints with --json is checked against its schema. */
export function start(
  args: readonly string[],
  env: Record<string, string>,
  directory = projectRoot,
): Running {
  const running = launch(process.execPath, ['--import', './runtime/register.js', ...args], {
    env,
    directory,
  });
  const checked = async (): Promise<Ended> => {
    const ended = await running.ended;
    const [program, ...rest] = args;
    const isInterrupted = ended.code === null || ended.code === INTERRUPTED;
    if (program === 'client/main.ts' && rest.includes('--json') && !isInterrupted)
      documentName(rest, ended.stdout);
    return ended;
  };
  return { ...running, ended: checked() };
}

/** Starts a worker process and waits until it polls. */
export async function startWorkerProcess(environment: Record<string, string>): Promise<Running> {
  const worker = start(['worker.ts'], environment);
  await worker.says('worker started');
  return worker;
}
