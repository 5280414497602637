import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
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

export interface Service {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process has ended, with how: `with code 1`, `by SIGKILL`. */
  readonly exited: Promise<string>;
  /** The same, or undefined while it runs. */
  readonly end: string | undefined;
  /** Sends a signal to the process and its whole group. */
  signal(signal: NodeJS.Signals): void;
  /** Asks it to end, kills it after `graceMs`, and waits until it has ended. Safe to repeat. */
  stop(graceMs?: number): Promise<void>;
  /** The last lines that it wrote to its log file since this start. */
  lastLines(count: number): Promise<string>;
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
export async function startService({
  name,
  command,
  args,
  logFile,
  ...options
}: ServiceOptions): Promise<Service> {
  await mkdir(dirname(logFile), { recursive: true, mode: 0o700 });
  const log = openSync(logFile, 'a', 0o600);
  const { size: logStart } = fstatSync(log);
  let child: ChildProcess;
  try {
    // The log file itself, not a pipe to us: the last lines of a service are not lost with us.
    child = spawn(command, args, { ...options, stdio: ['ignore', log, log], detached: true });
    await once(child, 'spawn');
  } catch (error) {
    throw new Error(`${capitalised(name)} could not be started: ${messageOf(error)}`, { cause: error });
  } finally {
    closeSync(log);
  }
  const pid = child.pid ?? NaN;
  const guard = startGuard(pid);

  let end: string | undefined;
  const exited = once(child, 'exit').then(([code, signal]) => {
    guard.kill('SIGKILL');
    signalGroup(pid, 'SIGKILL'); // what it has left behind in its group
    end = signal === null ? `with code ${String(code)}` : `by ${String(signal)}`;
    return end;
  });
  const signal = (what: NodeJS.Signals): void => {
    if (end === undefined) signalGroup(pid, what);
  };
  return {
    name,
    pid,
    exited,
    get end() {
      return end;
    },
    signal,
    stop: async (graceMs = STOP_GRACE_MS) => {
      signal(STOP_SIGNAL);
      signal('SIGCONT'); // one that a test has frozen must wake up to end
      const kill = setTimeout(() => signal('SIGKILL'), graceMs);
      await exited;
      clearTimeout(kill);
    },
    lastLines: async (count) => {
      const lines = await text(createReadStream(logFile, { start: logStart }));
      return lines.trimEnd().split('\n').slice(-count).join('\n');
    },
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
  limitMs: number,
  ready: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  const failed = async (how: string) => {
    const lines = await service.lastLines(15);
    const quoted = lines === '' ? 'Its log is empty.' : `The end of its log:\n${lines}`;
    return new Error(`${capitalised(service.name)} ${how}. ${quoted}`);
  };
  for (;;) {
    if (service.end !== undefined) throw await failed(`ended ${service.end} while it started`);
    if (await ready()) return;
    if (performance.now() > deadline) throw await failed(`was not ready within ${limitMs / 1000} s`);
    await sleep(20);
  }
}

function capitalised(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
