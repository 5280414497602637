import type { Database, Session } from './database.ts';
import { notingWaits } from './lock-waits.ts';
import { NAMES_LOCK } from './locks.ts';

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

/**
 * Removes the names of customers in one transaction, and lists them, so that no load brings a name back. Everything
 * else stays as it is.
 * @param orderFiles names of the files that hold names
 */
export async function forgetCustomers(
  database: Database,
  customerIds: readonly string[],
  orderFiles: readonly string[],
  note: (line: string) => void,
): Promise<ForgottenCustomer[]> {
  return await database.transaction(async (session) => {
    await session.execute('forget/begin');
    await notingWaits(session, database.pool, note, () => session.lock(NAMES_LOCK));
    const forgotten: ForgottenCustomer[] = [];
    for (const id of customerIds) forgotten.push(await forget(session, id, orderFiles));
    await session.execute('forget/statistics');
    return forgotten;
  });
}

async function forget(
  session: Session,
  customerId: string,
  orderFiles: readonly string[],
): Promise<ForgottenCustomer> {
  const count = async (name: string, values: unknown[] = []) => {
    const [row] = await session.run<{ rows: number; names: string[] }>(`forget/${name}`, [
      customerId,
      ...values,
    ]);
    if (!row) throw new Error(`sql/forget/${name}.sql returned no row.`);
    return row;
  };
  const staged = await count('user_order_log');
  const mart = await count('d_customer');
  const rejected = await count('rejected_row', [[...staged.names, ...mart.names], orderFiles]);
  const counts = { staged_rows: staged.rows, mart_rows: mart.rows, rejected_rows: rejected.rows };
  const [listed] = await session.run<Pick<ForgottenCustomer, 'forgotten_at' | 'forgotten_by'>>(
    'forget/forgotten_customer',
    [customerId, ...Object.values(counts)],
  );
  if (!listed) throw new Error('sql/forget/forgotten_customer.sql returned no row.');
  return { customer_id: customerId, ...listed, ...counts };
}
