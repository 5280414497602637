import { setTimeout as sleep } from 'node:timers/promises';
import { isLockTimeout } from './database-failure.ts';
import type { Database } from './database.ts';
import { notingWaits, seldom } from './lock-waits.ts';
import { NAMES_LOCK } from './locks.ts';
import type { Session } from './session.ts';
import { sql } from './sql.ts';

export interface ForgottenCustomer {
  customer_id: string;
  /** When and by which role of the database it was asked for the first time. */
  forgotten_at: Date;
  forgotten_by: string;
  /** What was cleared now: orders in staging, the customer in the mart, texts of rejected rows. */
  staged_rows: number;
  mart_rows: number;
  rejected_rows: number;
}

/** Loads queue behind a lock that is waited for: so long at most, and never while anything is locked already. */
const LOCK_TIMEOUT_MS = 300;
const PAUSE_MS = 1_000;

/**
 * Removes the names of customers in one transaction, and lists them, so that no load brings a name back. Everything
 * else stays as it is. Where it would have to wait for a lock, it steps back and tries again, so that no load waits for
 * longer than its own statements take (contract, ruling 44).
 * @param columnsBehindCustomer by file: the columns behind the customer's id
 * @param note is told what a longer wait is for
 */
export async function forgetCustomers(
  database: Database,
  customerIds: readonly string[],
  columnsBehindCustomer: Readonly<Record<string, string[]>>,
  note: (line: string) => void,
): Promise<ForgottenCustomer[]> {
  const told = seldom(note);
  for (;;) {
    try {
      return await database.transaction((session) =>
        notingWaits(session, database.pool, told, LOCK_TIMEOUT_MS / 2, async () => {
          await session.run('lock_timeout', [String(LOCK_TIMEOUT_MS)]);
          await session.lock(NAMES_LOCK);
          const forgotten: ForgottenCustomer[] = [];
          for (const id of customerIds)
            forgotten.push(await forget(session, id, JSON.stringify(columnsBehindCustomer)));
          return forgotten;
        }),
      );
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

const TABLES = ['staging.user_order_log', 'staging.incoming_user_order_log', 'mart.d_customer'];

async function forget(
  session: Session,
  customerId: string,
  columnsBehindCustomer: string,
): Promise<ForgottenCustomer> {
  const cleared: number[] = [];
  const names: string[] = [];
  for (const table of TABLES) {
    const found = await clearNames(session, table, 'customer_id = $1', customerId);
    cleared.push(found.rows);
    names.push(...found.names);
  }
  const [staged_rows = 0, , mart_rows = 0] = cleared;
  const rejected = await session.one<{ rows: number }>('forget/rejected_row', [
    customerId,
    names,
    columnsBehindCustomer,
  ]);
  const counts = { staged_rows, mart_rows, rejected_rows: rejected.rows };
  const listed = await session.one<Pick<ForgottenCustomer, 'forgotten_at' | 'forgotten_by'>>(
    'forget/forgotten_customer',
    [customerId, ...Object.values(counts)],
  );
  return { customer_id: customerId, ...listed, ...counts };
}

/** Removes the names of customers from a table, and returns them with the number of rows. */
export async function clearNames(session: Session, table: string, whose: string, value: string | number) {
  const statement = sql('forget/names').replaceAll('{table}', table).replaceAll('{whose}', whose);
  const { rows } = await session.query<{ rows: number; names: string[] }>(statement, [value]);
  return rows[0] ?? { rows: 0, names: [] };
}
