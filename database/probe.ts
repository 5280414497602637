import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connectOutsidePool } from './pool.ts';

const LIMIT_MS = 3_000;

/** Asks on a connection of its own whether the database answers, so that asking takes nothing from the work. */
export class Probe {
  readonly #pool: pg.Pool;
  #connection: pg.Client | undefined;
  #asking: Promise<boolean> | undefined;
  #isClosed = false;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Whether it answers within 3 s. Calls at the same time share one question; a slow new connection serves a later call. */
  async answers(): Promise<boolean> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return await Promise.race([this.#asking, sleep(LIMIT_MS, false, { ref: false })]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.end();
  }

  async #ask(): Promise<boolean> {
    try {
      this.#connection ??= await connectOutsidePool(this.#pool, 'sales-increment probe');
      await this.#connection.query({ text: 'select 1', query_timeout: LIMIT_MS } as pg.QueryConfig);
      if (!this.#isClosed) return true;
    } catch (error) {
      this.#pool.emit('error', error);
    }
    // The next question takes a new connection.
    void this.#connection?.end();
    this.#connection = undefined;
    return false;
  }
}
