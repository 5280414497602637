import type pg from 'pg';
import { failure } from '../domain/failures.ts';
import { beginMessage, transactionName, type Isolation, type ServerSeen } from './begin.ts';
import { orDatabaseFailure, Session } from './session.ts';
import { Watch } from './watch.ts';

export { Session } from './session.ts';

/** The database of staging and mart. Its errors are failures of `domain/failures.ts`. */
export class Database {
  readonly pool: pg.Pool;
  readonly #watch: Watch;

  constructor(pool: pg.Pool) {
    this.pool = pool;
    this.#watch = new Watch(pool);
  }

  /**
   * Runs `work` in one transaction: committed when it returns, rolled back when it throws. When `signal` aborts, the
   * connection is destroyed, which ends the transaction on the server as well.
   */
  async transaction<T>(
    work: (session: Session) => Promise<T>,
    signal?: AbortSignal,
    // Under any other level, a statement that has waited for a lock does not see what the lock's former holder wrote.
    isolation: Isolation = 'read committed',
  ): Promise<T> {
    signal?.throwIfAborted();
    const client = await orDatabaseFailure(this.pool.connect());
    const session = new Session(client);
    let broken: Error | undefined;
    // Without a listener, an error between two statements would end the process.
    const onError = (error: Error) => (broken = error);
    const onAbort = () => session.destroy(new Error('aborted'));
    let stopWatching: (() => void) | undefined;
    client.on('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      const name = transactionName(this.pool.options.application_name ?? '');
      // One result for each statement of the message.
      const begun = await session.query<ServerSeen>(beginMessage(isolation, name));
      const [server] = (begun as unknown as pg.QueryResult<ServerSeen>[]).at(-1)?.rows ?? [];
      stopWatching = this.#watch.add(name, session, server as ServerSeen);
      const result = await work(session);
      signal?.throwIfAborted();
      await commit(session);
      return result;
    } catch (error) {
      // An unknown outcome is not worth a rollback on a connection that may be dead: drop it.
      broken ??= error instanceof Error ? error : new Error(String(error));
      signal?.throwIfAborted();
      throw error;
    } finally {
      stopWatching?.();
      signal?.removeEventListener('abort', onAbort);
      client.off('error', onError);
      client.release(broken);
    }
  }

  /** Runs `work` so that all its statements see the same moment; it cannot write. */
  async snapshot<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return await this.transaction(work, undefined, 'repeatable read, read only');
  }

  /** The same with two sessions, for statements side by side. */
  async snapshotTwice<T>(work: (sessions: [Session, Session]) => Promise<T>): Promise<T> {
    return await this.snapshot(async (one) => {
      const { id } = await one.one<{ id: string }>('snapshot');
      const isolation = `repeatable read, read only; set transaction snapshot '${id}'` as const;
      const both = async (other: Session) => {
        for (const session of [one, other]) await session.run('no_idle_timeout');
        return await work([one, other]);
      };
      return await this.transaction(both, undefined, isolation);
    });
  }

  /** One statement in a transaction of its own. */
  async query<R extends pg.QueryResultRow>(
    name: string,
    values: unknown[] = [],
    signal?: AbortSignal,
  ): Promise<R[]> {
    return await this.transaction((session) => session.run<R>(name, values), signal);
  }

  /** The same for a statement that always returns a row. */
  async one<R extends pg.QueryResultRow>(
    name: string,
    values: unknown[] = [],
    signal?: AbortSignal,
  ): Promise<R> {
    return await this.transaction((session) => session.one<R>(name, values), signal);
  }
}

async function commit(session: Session): Promise<void> {
  const { command } = await session.query('commit');
  // The answer to the commit of a transaction in which a statement has failed, and no error.
  if (command === 'ROLLBACK')
    throw failure(
      'DatabaseUnavailable',
      'PostgreSQL rolled the transaction back instead of committing it, because a statement in it had failed.',
    );
}
