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

/**
 * Starts one of the project's programs as a user would, with only these variables of the project. What the client prints
 * with --json is checked against its schema.
 */
export function start(
  args: readonly string[],
  environment: Record<string, string>,
  directory = projectRoot,
): Running {
  const child: ChildProcess = spawn(process.execPath, ['--import', './runtime/register.js', ...args], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  killAtExit(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => {
    const [program, ...rest] = args;
    const isInterrupted = code === null || code === INTERRUPTED;
    if (program === 'client/main.ts' && rest.includes('--json') && !isInterrupted) documentName(rest, stdout);
    return { code: code as number | null, stdout, stderr };
  });
  return {
    pid: child.pid ?? 0,
    output: () => stdout + stderr,
    async says(text, withinMs = 60_000) {
      const deadline = Date.now() + withinMs;
      while (!(stdout + stderr).includes(text)) {
        if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
          throw new Error(`${args.join(' ')} did not say "${text}": ${stdout}${stderr}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    kill: (signal) => child.kill(signal),
    ended,
  };
}

/** Runs a client command to its end. */
export async function client(args: readonly string[], environment: Record<string, string>): Promise<Ended> {
  return await start(['client/main.ts', ...args], environment).ended;
}

/** Starts a worker process and waits until it polls. */
export async function startWorkerProcess(environment: Record<string, string>): Promise<Running> {
  const worker = start(['worker.ts'], environment);
  await worker.says('worker started');
  return worker;
}
