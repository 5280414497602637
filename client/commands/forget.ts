import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../database/database.ts';
import { forgetCustomers } from '../../database/forget.ts';
import { COLUMNS_BEHIND_CUSTOMER } from '../../domain/feeds.ts';
import type { Forgotten } from '../../schemas/documents.ts';
import { withDatabase } from '../database.ts';
import { CommandFailed, type Output } from '../output.ts';

const POLL_MS = 250;

/** A landing directory, which only its worker can see. */
interface LandingRow {
  host: string;
  directory: string;
  pruned_at: Date;
  files_removed: number;
  /** Since the customers were forgotten. */
  is_pruned: boolean;
  is_alive: boolean;
}

type Customer = Forgotten['customers'][number];
type Landing = Forgotten['landings'][number];

/** `client forget`: removes the names of customers, and keeps them from coming back. */
export async function forget({ customer: ids }: { customer: string[] }, output: Output): Promise<void> {
  await withDatabase(async (database) => {
    const before = await landingRows(database);
    const forgotten = await forgetCustomers(database, ids, COLUMNS_BEHIND_CUSTOMER, output.note);
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
  const { now } = await database.one<{ now: string }>('now');
  const isAwaited = (row: LandingRow) => row.is_alive && !row.is_pruned;
  let rows = await landingRows(database, now);
  const alive = new Set(rows.filter(({ is_alive }) => is_alive).map(nameOf));
  if (rows.some(isAwaited)) output.note('Waiting for the workers to remove landed files.');
  while (rows.some(isAwaited)) {
    await sleep(POLL_MS);
    rows = await landingRows(database, now);
  }
  const removedBefore = new Map(before.map((row) => [nameOf(row), row.files_removed]));
  return rows.map((row) => ({
    host: row.host,
    directory: row.directory,
    state: row.is_pruned ? 'pruned' : alive.has(nameOf(row)) ? 'pending' : 'absent',
    last_seen: row.pruned_at.toISOString(),
    files_removed: row.files_removed - (removedBefore.get(nameOf(row)) ?? 0),
  }));
}

function nameOf({ host, directory }: { host: string; directory: string }): string {
  return `${directory} on ${host}`;
}

function describeCustomer(customer: Customer): string {
  const { customer_id, staged_rows, mart_rows, rejected_rows } = customer;
  return staged_rows + mart_rows + rejected_rows === 0
    ? `Customer ${customer_id}: no name was found; names that are delivered from now on are left out.`
    : `Customer ${customer_id}: names removed from ${staged_rows} staged orders and ${mart_rows} rows of ` +
        `mart.d_customer, the text of ${rejected_rows} rejected rows removed; they do not come back.`;
}

function describeLanding({ state, last_seen, files_removed, ...landing }: Landing): string {
  const where = `Landing directory ${nameOf(landing)}:`;
  if (state === 'pending') return `${where} its worker has not pruned it in time.`;
  if (state === 'absent')
    return `${where} its worker was last seen at ${last_seen}; it removes landed files when it starts again.`;
  return `${where} ${files_removed} landed files removed.`;
}
