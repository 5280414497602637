import type { Client } from '@temporalio/client';
import { connectClient } from '../../config/temporal.ts';
import type { Database } from '../../database/database.ts';
import { addDays, dayOf, type LoadDate } from '../../shared/load-date.ts';
import { withDatabase } from '../database.ts';
import { dayStatuses, type DayState, type DayStatus } from '../day-status.ts';
import { plainTable } from '../files-table.ts';
import type { Output } from '../output.ts';

export interface StatusOptions {
  from?: LoadDate;
  to?: LoadDate;
}

/** `client status`: per day what is loaded, missing or failed. */
export async function status(options: StatusOptions, output: Output): Promise<void> {
  const days = await withDatabase(async (database) => {
    const range = await rangeOf(database, options);
    if (!range) return [];
    const client = await temporalIfThere(output);
    try {
      return await dayStatuses(database, client, range.from, range.to);
    } finally {
      await client?.connection.close();
    }
  });
  const totals = totalsOf(days);
  output.result({ from: days[0]?.date ?? null, to: days.at(-1)?.date ?? null, totals, days }, () =>
    describe(days),
  );
}

/** The dates asked for; what is not said, from the first date known to the newest or yesterday. */
async function rangeOf(database: Database, { from, to }: StatusOptions) {
  const [known] = await database.query<{ first_date: string | null; last_date: string | null }>(
    'status/range',
  );
  const yesterday = addDays(dayOf(new Date(), 'UTC'), -1);
  const first = from ?? known?.first_date ?? to;
  if (first === undefined) return undefined;
  const last = to ?? [known?.last_date ?? first, yesterday, first].sort().at(-1) ?? first;
  return { from: first, to: last };
}

/** Status comes from PostgreSQL; without Temporal only the running days are not told apart. */
async function temporalIfThere(output: Output): Promise<Client | undefined> {
  try {
    return await connectClient();
  } catch (error) {
    output.note(
      `${error instanceof Error ? error.message : String(error)} Running days are not shown as such.`,
    );
    return undefined;
  }
}

function totalsOf(days: DayStatus[]): Record<DayState, number> {
  const totals = { loaded: 0, no_increment: 0, missing: 0, failed: 0, running: 0, stale: 0 };
  for (const { state } of days) totals[state] += 1;
  return totals;
}

function describe(days: DayStatus[]): string {
  if (days.length === 0) return 'Nothing is loaded yet: npm run client -- run';
  const totals = Object.entries(totalsOf(days)).filter(([, count]) => count > 0);
  const table = plainTable(['date', 'state', 'rows read', 'kept', 'rejected', 'revenue'], 2);
  for (const day of days) {
    table.push([day.date, day.state, day.rows_read, day.rows_kept, day.rows_rejected, day.revenue ?? '']);
  }
  const problems = days.filter((day) => day.error !== null || day.next !== null);
  return [
    `${days.length} days: ${totals.map(([state, count]) => `${count} ${state}`).join(', ')}.`,
    table.toString(),
    ...problems.map((day) => `${day.date} ${day.state}: ${[day.error, day.next].filter(Boolean).join(' ')}`),
    ...days.flatMap((day) => day.warnings.map((warning) => `${day.date} warning: ${warning}`)),
  ].join('\n');
}
