import { Readable } from 'node:stream';
import type { Database } from '../../database/database.ts';
import { clearNames } from '../../database/forget.ts';
import { NAMES_LOCK } from '../../database/locks.ts';
import type { LandedFile } from '../../domain/day.ts';
import { COLUMNS_BEHIND_CUSTOMER, columnsInCopy, feedNamed, fileName, ORDERS } from '../../domain/feeds.ts';
import type { Spool } from '../../runtime/spool.ts';

/** Good and bad rows in COPY format: delivery number, ordinal and `columnsInCopy`; delivery number and the columns below. */
export interface LandedRows {
  good: Spool;
  bad: Spool;
}

/** The orders of a download that are of forgotten customers. */
const FORGOTTEN = `delivery_number = (select $1::bigint)
  and customer_id in (select customer_id from staging.forgotten_customer)`;
const REJECTED_COLUMNS = 'delivery_number, line, column_name, rule, reason, raw';

/**
 * Puts the rows of a checked file into `staging.incoming_…`, for any worker to stage, in one transaction. Names of
 * forgotten customers are left out; `holdsNames` says that the original may hold some, since somebody is forgotten.
 */
export async function landRows(
  database: Database,
  file: LandedFile,
  rows: LandedRows,
  signal: AbortSignal,
): Promise<{ holdsNames: boolean }> {
  const { feed, deliveryNumber } = file;
  const columns = ['delivery_number', 'ordinal', ...columnsInCopy(feedNamed(feed))].join(', ');
  return await database.transaction(async (session) => {
    await session.copyFrom(
      `copy staging.incoming_${feed} (${columns}) from stdin`,
      Readable.from(rows.good.read(), { objectMode: false }),
    );
    if (!rows.bad.isEmpty) {
      await session.copyFrom(
        `copy staging.incoming_rejected (${REJECTED_COLUMNS}) from stdin`,
        Readable.from(rows.bad.read(), { objectMode: false }),
      );
    }
    await session.lockShared(NAMES_LOCK);
    const { any_forgotten } = await session.one<{ any_forgotten: boolean }>('staging/landed_file', [
      deliveryNumber,
      file.loadDate,
      fileName(file),
      file.sha256,
      file.bytes,
      file.rowsRead,
      file.rowsRejected,
      file.warnings,
    ]);
    if (any_forgotten) {
      const { names } =
        feed === ORDERS
          ? await clearNames(session, 'staging.incoming_user_order_log', FORGOTTEN, deliveryNumber)
          : { names: [] };
      const behindCustomer = COLUMNS_BEHIND_CUSTOMER[fileName(file)];
      await session.run('forget/landed_rejected', [deliveryNumber, names, behindCustomer]);
    }
    return { holdsNames: any_forgotten };
  }, signal);
}
