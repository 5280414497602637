import { connectClient } from '../../runtime/temporal.ts';
import type { Database } from '../../database/database.ts';
import { newestDueDay } from '../../domain/due-days.ts';
import { addDays, countDays, type LoadDate } from '../../domain/load-date.ts';
import { fileNames } from '../../domain/feeds.ts';
import { checkRange, MAX_RANGE_DAYS, type Range } from '../arguments.ts';
import { withDatabase } from '../database.ts';
import { dayStatuses } from '../day-status.ts';
import { reasonOf } from '../failure-text.ts';
import { CommandFailed, type Output } from '../output.ts';
import { dailySchedule } from '../../runtime/daily-schedule.ts';
import { statusDocument, statusText } from '../status-text.ts';

export interface StatusOptions extends Range {
  calendar?: boolean;
  /** Exit with 1 when a day is missing, failed or stale. */
  failOnGap?: boolean;
}

/** `client status`: the state of each day. */
export async function status(options: StatusOptions, output: Output): Promise<void> {
  checkRange(options);
  const newestDue = newestDueDay(dailySchedule(process.env), new Date());
  // Status comes from PostgreSQL; Temporal only adds which days are running.
  const unknown = (error: unknown): undefined => {
    output.note(`${reasonOf(error)} Days in progress are not marked as running.`);
  };
  const days = await withDatabase(async (database) => {
    const range = await statusRange(database, options, newestDue, output);
    if (!range) return [];
    const client = await connectClient(process.env).catch(unknown);
    try {
      return await dayStatuses(database, client, range.from, range.to, (error) =>
        unknown(new Error(`Temporal does not say which runs are open: ${reasonOf(error)}.`)),
      );
    } finally {
      await client?.connection.close();
    }
  });
  const document = statusDocument(days, newestDue);
  const text = () => statusText(document, options.calendar);
  if (options.failOnGap && document.gaps.length > 0) throw new CommandFailed(text(), 1, document);
  output.result(document, text);
}

/** The requested range; by default from the first known date to the newest that is known or due. */
async function statusRange(
  database: Database,
  { from, to }: StatusOptions,
  newestDue: LoadDate,
  output: Output,
) {
  const known = await database.one<Record<'first_date' | 'last_date', LoadDate | null>>('status/range', [
    fileNames('increment'),
  ]);
  const first = from ?? known.first_date ?? to;
  if (first === undefined) return undefined;
  const last = to ?? [known.last_date ?? first, newestDue, first].sort().at(-1) ?? first;
  const range = { from: first, to: last };
  if (countDays(first, last) <= MAX_RANGE_DAYS) {
    checkRange(range);
    return range;
  }
  // Nobody has chosen a range that is too long: a stray date has made it so.
  if (to === undefined && first <= newestDue) range.to = newestDue;
  if (from === undefined) range.from = [first, addDays(range.to, 1 - MAX_RANGE_DAYS)].sort()[1] ?? first;
  checkRange(range);
  const shown = from === undefined ? `20 years to ${range.to}` : `${from} to ${range.to}`;
  output.note(
    `Days from ${first} to ${last} are known; ${shown} are shown. Choose others by --from and --to.`,
  );
  return range;
}
