import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../database/database.ts';
import { forgetCustomers } from '../../database/forget.ts';
import { fileName, ORDERS } from '../../domain/feeds.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import type { Forgotten } from '../../schemas/documents.ts';
import { withDatabase } from '../database.ts';
import { CommandFailed, type Output } from '../output.ts';

const ORDER_FILES = [
  fileName({ feed: ORDERS, source: 'increment' }),
  fileName({ feed: ORDERS, source: 'history' }),
];
const POLL_MS = 250;

/** A landing directory, which only its worker can see. */
interface LandingRow {
  task_queue: string;
  host: string;
  pruned_at: Date;
  files_removed: number;
  days_in_use: LoadDate[];
  /** Since the customers were forgotten. */
  is_pruned: boolean;
  is_alive: boolean;
}

type Customer = Forgotten['customers'][number];
type Landing = Forgotten['landings'][number];

/** `client forget`: removes the names of customers, and keeps them from coming back. */
export async function forget(customerIds: readonly string[], output: Output): Promise<void> {
  await withDatabase(async (database) => {
    const before = await landingRows(database);
    const forgotten = await forgetCustomers(database, customerIds, ORDER_FILES, (line) => output.note(line));
    const customers = forgotten.map((one) => ({ ...one, forgotten_at: one.forgotten_at.toISOString() }));
    const landings = await prunedLandings(database, before, output);
    const pending = landings.filter(({ state }) => state === 'pending');
    const error =
      pending.length === 0
        ? null
        : 'The names are removed from the database, but landed files may remain. Check the logs of the workers that have not ' +
          `removed theirs (${pending.map(({ host }) => host).join(', ')}), and run this again.`;
    const document: Forgotten = { customers, landings, error };
    const text = [...customers.map(describeCustomer), ...landings.map(describeLanding)].join('\n');
    if (error !== null) throw new CommandFailed(`${text}\n${error}`, 1, document);
    output.result(document, () => text);
  });
}

async function landingRows(database: Database, since: string | null = null): Promise<LandingRow[]> {
  return await database.query<LandingRow & object>('forget/landings', [since]);
}

/** Waits until the worker of every landing directory has pruned it, or is overdue. */
async function prunedLandings(
  database: Database,
  before: readonly LandingRow[],
  output: Output,
): Promise<Landing[]> {
  const [moment] = await database.query<{ now: string }>('forget/now');
  if (!moment) throw new Error('sql/forget/now.sql returned no row.');
  const isAwaited = (row: LandingRow) => row.is_alive && !row.is_pruned;
  let rows = await landingRows(database, moment.now);
  const alive = new Set(rows.filter(({ is_alive }) => is_alive).map(({ task_queue }) => task_queue));
  if (rows.some(isAwaited)) output.note('Waiting for the workers to remove landed files.');
  while (rows.some(isAwaited)) {
    await sleep(POLL_MS);
    rows = await landingRows(database, moment.now);
  }
  const removedBefore = new Map(before.map((row) => [row.task_queue, row.files_removed]));
  return rows.map((row) => ({
    landing: row.task_queue,
    host: row.host,
    state: row.is_pruned ? 'pruned' : alive.has(row.task_queue) ? 'pending' : 'absent',
    last_seen: row.pruned_at.toISOString(),
    files_removed: row.files_removed - (removedBefore.get(row.task_queue) ?? 0),
    days_in_use: row.days_in_use,
  }));
}

function describeCustomer(customer: Customer): string {
  const { customer_id, staged_rows, mart_rows, rejected_rows } = customer;
  return staged_rows + mart_rows + rejected_rows === 0
    ? `Customer ${customer_id}: no name was found; names that are delivered from now on are left out.`
    : `Customer ${customer_id}: names removed from ${staged_rows} staged orders and ${mart_rows} rows of ` +
        `mart.d_customer, the text of ${rejected_rows} rejected rows removed; they do not come back.`;
}

function describeLanding({ landing, host, state, last_seen, files_removed, days_in_use }: Landing): string {
  const where = `Landing directory ${landing} on ${host}:`;
  if (state === 'pending') return `${where} its worker has not pruned it in time.`;
  if (state === 'absent')
    return `${where} its worker was last seen at ${last_seen}; it removes landed files when it starts again.`;
  const inUse =
    days_in_use.length === 0
      ? ''
      : `; those of ${days_in_use.join(', ')} are removed when their runs have ended`;
  return `${where} ${files_removed} landed files removed${inUse}.`;
}
