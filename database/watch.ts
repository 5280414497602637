import type pg from 'pg';
import { SERVER_SEEN, type ServerSeen } from './begin.ts';
import { connectOutsidePool } from './pool.ts';
import type { Session } from './session.ts';

const LOOK_EVERY_MS = 5_000;

interface Watched {
  name: string;
  session: Session;
  server: ServerSeen;
  bytesMoved: number;
  /** The last look found nobody at work for the transaction, and no byte has moved since. */
  isSuspected: boolean;
}

interface Look extends ServerSeen {
  is_standby: boolean;
  at_work: string[];
}

/** $1 names of transactions. */
const LOOK = `
  select ${SERVER_SEEN}, pg_catalog.pg_is_in_recovery() as is_standby,
    array(
      select application_name
      from pg_catalog.pg_stat_activity
      where application_name = any ($1) and coalesce(wait_event, '') not in ('ClientRead', 'ClientWrite')
    ) as at_work`;

/** $1 name of a transaction */
const TERMINATE =
  'select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where application_name = $1';

/**
 * Notices connections that have gone silent without an error: a firewall forgets them, a cable is pulled. TCP then
 * waits for an answer until the activity's own limit (docs/decisions/0011-lost-connections.md).
 *
 * A transaction that waits for the server while no byte moves is looked up by another connection. It is lost when two
 * looks in a row have found nobody at work for it: its session is gone, or waits for us as well. Whatever cannot be
 * seen proves nothing.
 */
export class Watch {
  readonly #pool: pg.Pool;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #connection: pg.Client | undefined;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Watches a transaction until the returned function is called. */
  add(name: string, session: Session, server: ServerSeen): () => void {
    const watched = { name, session, server, bytesMoved: NaN, isSuspected: false };
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS);
    return () => {
      this.#watched.delete(watched);
      this.#stopWhenUnused();
    };
  }

  async #look(): Promise<void> {
    const silent = [...this.#watched].filter(hasBeenSilent).map((watched) => ({ ...watched, watched }));
    if (silent.length === 0 || this.#isLooking) return;
    this.#isLooking = true;
    try {
      const [look] = await this.#ask<Look>(LOOK, [silent.map(({ name }) => name)]);
      if (!look) return;
      for (const { watched, bytesMoved } of silent) {
        // It may have had its answer meanwhile.
        if (!this.#watched.has(watched) || !hasBeenSilent(watched) || watched.bytesMoved !== bytesMoved)
          continue;
        const nobodyWorks = isNobodyAtWork(watched, look);
        if (nobodyWorks && watched.isSuspected) await this.#giveUp(watched);
        watched.isSuspected = nobodyWorks;
      }
    } catch (error) {
      // Nothing was seen, so nothing is known: the next look takes a new connection.
      this.#disconnect();
      this.#pool.emit('error', error);
    } finally {
      this.#isLooking = false;
      this.#stopWhenUnused();
    }
  }

  /** Its session on the server may hold locks, and cannot know that nobody is there. */
  async #giveUp({ name, session }: Watched): Promise<void> {
    try {
      await this.#ask(TERMINATE, [name]);
    } finally {
      session.destroy(new Error('the connection has gone silent'));
    }
  }

  async #ask<R extends object>(query: string, values: unknown[]): Promise<R[]> {
    this.#connection ??= await connectOutsidePool(this.#pool, 'sales-increment watch');
    return (await this.#connection.query<R>(query, values)).rows;
  }

  #disconnect(): void {
    void this.#connection?.end();
    this.#connection = undefined;
  }

  #stopWhenUnused(): void {
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!this.#isLooking) this.#disconnect();
  }
}

/** Whether the transaction has waited, and no byte has moved, since it was asked last. */
function hasBeenSilent(watched: Watched): boolean {
  const { isWaiting, bytesMoved } = watched.session;
  if (isWaiting && bytesMoved === watched.bytesMoved) return true;
  watched.bytesMoved = bytesMoved;
  watched.isSuspected = false;
  return false;
}

/** A server that cannot be the transaction's shows nothing, but for one that was started later: it has followed it. */
function isNobodyAtWork({ name, server }: Watched, look: Look): boolean {
  if (look.is_standby || look.user !== server.user) return false;
  if (look.started === server.started) return !look.at_work.includes(name);
  return Number(look.started) > Number(server.started);
}
