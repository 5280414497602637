import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '../../domain/text.ts';
import { isErrno } from './errors.ts';

export interface ServiceOptions {
  /** Its name in messages: "PostgreSQL", "the Temporal dev server". */
  name: string;
  command: string;
  args: readonly string[];
  /** Its standard output and error are appended here. */
  logFile: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Run as another user; only root may ask for it. */
  uid?: number;
  gid?: number;
}

/** How a process ended: by a code or by a signal. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Service {
  readonly pid: number;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<Exit>;
  /** How it ended, or undefined while it runs. */
  exit(): Exit | undefined;
  /** Calls back when it has ended, at once if it has already. */
  onExit(callback: (exit: Exit) => void): void;
  /** Sends a signal to the process and its whole group. */
  signal(signal: NodeJS.Signals): void;
  /** Asks it to end, kills it after `graceMs`, and waits until it has ended. Safe to repeat. */
  stop(graceMs?: number): Promise<void>;
  /** The last lines that it wrote to its log file since this start. */
  lastLines(count?: number): Promise<string>;
}

// Both PostgreSQL (a "fast shutdown") and the Temporal dev server shut down cleanly on it.
const STOP_SIGNAL = 'SIGINT';
const STOP_GRACE_MS = 10_000;

/**
 * Starts a long-running process that does not outlive this one.
 *
 * It gets a process group and session of its own, so that a Ctrl-C in the terminal reaches only us and the
 * services can be stopped in order, each after the ones that need it. When we are killed,
 * that would leave an orphan that keeps its port; the guard prevents it.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  await mkdir(dirname(options.logFile), { recursive: true, mode: 0o700 });
  const log = await open(options.logFile, 'a', 0o600);
  let logStart: number;
  let child: ChildProcess;
  try {
    logStart = (await log.stat()).size;
    child = spawn(options.command, options.args, {
      // The log file itself, not a pipe to us: the last lines of a service are not lost with us.
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    await once(child, 'spawn');
  } catch (error) {
    throw new Error(`${capitalised(options.name)} could not be started: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await log.close();
  }

  const { pid } = child;
  if (pid === undefined) throw new Error(`${capitalised(options.name)} was started without a process id.`);
  const guard = startGuard(pid);

  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      guard.kill('SIGKILL');
      signalGroup(pid, 'SIGKILL'); // what it has left behind in its group
      exit = { code, signal };
      resolve(exit);
    };
    // It may have ended between 'spawn' and this line.
    if (child.exitCode !== null || child.signalCode !== null) ended(child.exitCode, child.signalCode);
    else child.once('exit', ended);
  });

  const signal = (name: NodeJS.Signals): void => {
    if (exit === undefined) signalGroup(pid, name);
  };
  return {
    pid,
    exited,
    exit: () => exit,
    onExit: (callback) => void exited.then(callback),
    signal,
    stop: async (graceMs = STOP_GRACE_MS) => {
      signal(STOP_SIGNAL);
      signal('SIGCONT'); // one that a test has frozen must wake up to end
      const kill = setTimeout(() => signal('SIGKILL'), graceMs);
      await exited;
      clearTimeout(kill);
    },
    lastLines: (count = 15) => lastLines(options.logFile, logStart, count),
  };
}

/**
 * A shell that waits for its standard input to close, which happens when we end in any way, a kill -9 included,
 * and then ends the group, by a kill when it takes longer than ten seconds. It is killed itself when the service ends first.
 */
function startGuard(pid: number): ChildProcess {
  const script =
    `read -r line; kill -s ${STOP_SIGNAL.slice(3)} -- "-$1" 2>/dev/null || exit 0; ` +
    `n=0; while [ "$n" -lt 100 ] && kill -s 0 -- "-$1" 2>/dev/null; do sleep 0.1; n=$((n+1)); done; ` +
    `kill -s KILL -- "-$1" 2>/dev/null`;
  const guard = spawn('/bin/sh', ['-c', script, 'service-guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  guard.on('error', () => undefined); // no shell: the service runs unguarded
  guard.unref();
  return guard;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error; // it has ended
  }
}

/** Polls until the service is ready; an error quotes its log when it ends or the time is up before that. */
export async function untilReady(
  service: Service,
  name: string,
  limitMs: number,
  ready: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const exit = service.exit();
    if (exit !== undefined) {
      const how = exit.signal === null ? `with code ${String(exit.code)}` : `by ${exit.signal}`;
      throw new Error(`${capitalised(name)} ended ${how} while it started. ${await quotedLog(service)}`);
    }
    if (await ready()) return;
    if (performance.now() > deadline) {
      throw new Error(
        `${capitalised(name)} was not ready within ${limitMs / 1000} s. ${await quotedLog(service)}`,
      );
    }
    await sleep(20);
  }
}

async function quotedLog(service: Service): Promise<string> {
  const lines = await service.lastLines();
  return lines === '' ? 'Its log is empty.' : `The end of its log:\n${lines}`;
}

async function lastLines(file: string, from: number, count: number): Promise<string> {
  const { size } = await stat(file);
  const start = Math.max(from, size - 16_384);
  const log = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await log.read({ buffer: Buffer.alloc(size - start), position: start });
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-count).join('\n').trim();
  } finally {
    await log.close();
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
