import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { describeNetworkError } from '../runtime/network-error.ts';
import { connectOutsidePool } from './pool.ts';
import type { Session } from './session.ts';
import { sql } from './sql.ts';

/** Between two notes: the first pause, doubled after each note up to the longest. */
export const FIRST_PAUSE_MS = 3_000;
const MAX_PAUSE_MS = 60_000;

interface Blocker {
  pid: number;
  application: string | null;
  seconds: number | null;
}

/** Runs `work`; while it waits for locks that other sessions hold, notes now and then which these are. */
export async function notingWaits<T>(
  session: Session,
  pool: pg.Pool,
  note: (line: string) => void,
  firstPauseMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
  const done = new AbortController();
  const noting = noteWaits(pool, rows[0]?.pid, note, firstPauseMs, done.signal);
  try {
    return await work();
  } finally {
    done.abort();
    await noting;
  }
}

/** Passes on a line now and then, not one at every try of what is tried again and again. */
export function seldom(note: (line: string) => void): (line: string) => void {
  let pause = FIRST_PAUSE_MS;
  let next = performance.now() + pause;
  return (line) => {
    if (performance.now() < next) return;
    pause = Math.min(2 * pause, MAX_PAUSE_MS);
    next = performance.now() + pause;
    note(line);
  };
}

async function noteWaits(
  pool: pg.Pool,
  pid: number | undefined,
  note: (line: string) => void,
  firstPauseMs: number,
  signal: AbortSignal,
): Promise<void> {
  const pause = (ms: number) => sleep(ms, true, { signal }).catch(() => false);
  for (let ms = firstPauseMs; await pause(ms); ms = Math.min(2 * ms, MAX_PAUSE_MS)) {
    try {
      for (const blocker of await blockersOf(pool, pid)) note(`Waiting for a lock: ${describe(blocker)}.`);
    } catch (error) {
      note(`Cannot tell which session holds the lock: ${describeNetworkError(error)}.`);
    }
  }
}

async function blockersOf(pool: pg.Pool, pid: number | undefined): Promise<Blocker[]> {
  const client = await connectOutsidePool(pool, 'sales-increment lock waits');
  try {
    return (await client.query<Blocker>(sql('blockers'), [pid])).rows;
  } finally {
    await client.end();
  }
}

function describe({ pid, application, seconds }: Blocker): string {
  // The holder of a prepared transaction.
  if (pid === 0) return 'a prepared transaction holds it (see pg_prepared_xacts)';
  const about = [
    application ? `application "${application}"` : 'application not visible to this role',
    seconds !== null && `in a transaction for ${seconds} s`,
  ];
  return `process ${pid} holds it (${about.filter(Boolean).join(', ')})`;
}
