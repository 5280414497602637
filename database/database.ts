import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import type pg from 'pg';
import { databaseFailure } from './database-failure.ts';
import { inSpan, SQL_FACTS } from '../runtime/tracing/span.ts';
import { sql } from './sql.ts';
import { transaction } from './transaction.ts';

/** Everything in the mart is changed under this one lock, so that facts never meet a half-changed staging. */
const MART_LOCK = 'mart';

/** A transaction in which statements are called by the name of their file in sql/. */
export class Session {
  readonly client: pg.PoolClient;

  constructor(client: pg.PoolClient) {
    this.client = client;
  }

  async run<R extends pg.QueryResultRow>(name: string, values: unknown[] = []): Promise<R[]> {
    return await inSpan(name, SQL_FACTS, async () => (await this.client.query<R>(sql(name), values)).rows);
  }

  /** Runs a file of one or more statements that have no parameters. */
  async execute(name: string): Promise<void> {
    await inSpan(name, SQL_FACTS, () => this.client.query(sql(name)));
  }

  /** Waits until this transaction alone holds the lock; it is given back at the transaction's end. */
  async lock(name: string): Promise<void> {
    await inSpan('lock', SQL_FACTS, () =>
      this.client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [name]),
    );
  }

  async lockMart(): Promise<void> {
    await this.lock(MART_LOCK);
  }
}

/** The database of staging and mart. Its errors are failures of `domain/failures.ts`. */
export class Database {
  readonly pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.pool = pool;
  }

  async transaction<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await inSpan('transaction', SQL_FACTS, () =>
        transaction(this.pool, (client) => work(new Session(client)), signal),
      );
    } catch (error) {
      signal?.throwIfAborted();
      throw isDatabaseError(error) ? databaseFailure(error) : error;
    }
  }

  /** One statement in a transaction of its own. */
  async query<R extends pg.QueryResultRow>(
    name: string,
    values: unknown[] = [],
    signal?: AbortSignal,
  ): Promise<R[]> {
    return await this.transaction((session) => session.run<R>(name, values), signal);
  }
}

/** From the server (with a SQLSTATE), from the network, or from pg about its connection; not a bug of ours. */
function isDatabaseError(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof ApplicationFailure || error instanceof TemporalFailure)
    return false;
  const { code, path } = error as { code?: unknown; path?: unknown };
  // A disk error names a path; network errors name a host.
  if (typeof code === 'string') return path === undefined;
  return /connection|timeout/i.test(error.message);
}
