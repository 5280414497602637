import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { databaseFailure } from './database-failure.ts';
import { sql } from './sql.ts';

/**
 * A transaction in which statements are called by the name of their file in sql/. Errors of PostgreSQL and of the
 * connection are failures of `domain/failures.ts`, made here, where they come from.
 */
export class Session {
  readonly #client: pg.PoolClient;
  /** While a statement has no answer yet: whether the next move is the server's. */
  #isServersTurn: (() => boolean) | undefined;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  async run<R extends pg.QueryResultRow>(name: string, values: unknown[] = []): Promise<R[]> {
    const result = await this.query<R>(sql(name), values);
    return result.rows;
  }

  /** Runs a statement that always returns a row. */
  async one<R extends pg.QueryResultRow>(name: string, values: unknown[] = []): Promise<R> {
    const [row] = await this.run<R>(name, values);
    if (!row) throw new Error(`sql/${name}.sql returned no row.`);
    return row;
  }

  /** Runs a file of one or more statements that have no parameters. */
  async execute(name: string): Promise<void> {
    await this.query(sql(name));
  }

  /** Runs a statement that is made in code. */
  async query<R extends pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<R>> {
    return await this.#outstanding(
      () => true,
      () => orDatabaseFailure(this.#client.query<R>(statement, values)),
    );
  }

  /** Waits until this transaction alone holds the lock, which is released when the transaction ends. */
  async lock(name: string): Promise<void> {
    await this.#lock('pg_advisory_xact_lock', name);
  }

  /** Waits until nobody holds the lock alone; others may share it. */
  async lockShared(name: string): Promise<void> {
    await this.#lock('pg_advisory_xact_lock_shared', name);
  }

  async #lock(take: string, name: string): Promise<void> {
    await this.query(`select ${take}(hashtextextended($1, 0))`, [name]);
  }

  /** Runs `copy … from stdin` with what the stream gives; returns the number of rows. An error of the stream stays what it is. */
  async copyFrom(statement: string, source: Readable): Promise<number> {
    const target = copyFrom(statement);
    let failed: 'source' | 'target' | undefined;
    source.once('error', () => (failed ??= 'source'));
    target.once('error', () => (failed ??= 'target'));
    // A stream whose connection is gone waits for a drain that never comes: end it by hand.
    const onError = (error: Error) => target.destroy(error);
    this.#client.once('error', onError);
    try {
      return await this.#outstanding(
        () => source.readableEnded || source.destroyed || target.writableNeedDrain,
        async () => {
          this.#client.query(target);
          await pipeline(source, target);
          return target.rowCount;
        },
      );
    } catch (error) {
      throw failed === 'target' ? databaseFailure(error) : error;
    } finally {
      this.#client.off('error', onError);
    }
  }

  /** Whether a statement is out and nothing can happen before the server does something. */
  get isWaiting(): boolean {
    return this.#isServersTurn?.() ?? false;
  }

  /** Grows with every byte that is sent or received. */
  get bytesMoved(): number {
    const { bytesRead, bytesWritten } = this.#client.connection.stream as unknown as Pick<
      Socket,
      'bytesRead' | 'bytesWritten'
    >;
    return bytesRead + bytesWritten;
  }

  /** Every statement that has no answer yet, and every later one, fails with this error. */
  destroy(error: Error): void {
    this.#client.connection.stream.destroy(error);
  }

  async #outstanding<T>(isServersTurn: () => boolean, work: () => Promise<T>): Promise<T> {
    this.#isServersTurn = isServersTurn;
    try {
      return await work();
    } finally {
      this.#isServersTurn = undefined;
    }
  }
}

/** A call of pg's: what it rejects with comes from the server or the connection. */
export async function orDatabaseFailure<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    // pg itself was called wrongly, which is a bug.
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    throw databaseFailure(error);
  }
}
