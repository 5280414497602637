import type { Client } from '@temporalio/client';
import { connectClient } from '../../runtime/temporal.ts';
import type { Database } from '../../database/database.ts';
import { newestDueDay } from '../../domain/due-days.ts';
import { countDays, type LoadDate } from '../../domain/load-date.ts';
import { INCREMENT_FILES } from '../../domain/feeds.ts';
import { withDatabase } from '../database.ts';
import { dayStatuses } from '../day-status.ts';
import { CommandFailed, type Output } from '../output.ts';
import { dailySchedule } from '../schedule.ts';
import { gapsOf, statusCalendar, statusTable, totalsOf } from '../status-text.ts';

export interface StatusOptions {
  from?: LoadDate;
  to?: LoadDate;
  calendar?: boolean;
  /** End with 1 when a day is missing, failed or stale. */
  failOnGap?: boolean;
}

/** `client status`: per day what is loaded, missing or failed. */
export async function status(options: StatusOptions, output: Output): Promise<void> {
  const days = await withDatabase(async (database) => {
    const range = await rangeOf(database, options);
    if (!range) return [];
    refuseRange(range.from, range.to);
    const client = await temporalIfThere(output);
    try {
      return await dayStatuses(database, client, range.from, range.to);
    } finally {
      await client?.connection.close();
    }
  });
  const gaps = gapsOf(days);
  const document = {
    from: days[0]?.date ?? null,
    to: days.at(-1)?.date ?? null,
    totals: totalsOf(days),
    gaps,
    days,
  };
  const text = () => {
    if (days.length === 0) return 'Nothing is loaded yet: npm run client -- run';
    return options.calendar ? statusCalendar(days) : statusTable(days);
  };
  if (options.failOnGap && gaps.length > 0) throw new CommandFailed(text(), 1, document);
  output.result(document, text);
}

/** Twenty years (contract, ruling 21). */
const MAX_DAYS = 7_305;

function refuseRange(from: LoadDate, to: LoadDate): void {
  if (from > to) throw new CommandFailed(`--from ${from} lies after --to ${to}.`, 2);
  if (countDays(from, to) > MAX_DAYS)
    throw new CommandFailed(`${from} to ${to} is more than 20 years: give --from and --to.`, 2);
}

/** The dates asked for; by default from the first date known to the newest one that is known or due. */
async function rangeOf(database: Database, { from, to }: StatusOptions) {
  const [known] = await database.query<{ first_date: string | null; last_date: string | null }>(
    'status/range',
    [INCREMENT_FILES[0]],
  );
  const due = newestDueDay(dailySchedule(process.env), new Date());
  const first = from ?? known?.first_date ?? to;
  if (first === undefined) return undefined;
  const last = to ?? [known?.last_date ?? first, due, first].sort().at(-1) ?? first;
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
