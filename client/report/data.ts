import type { Database } from '../../database/database.ts';
import { addDays, type LoadDate } from '../../domain/load-date.ts';
import { checkRange, MAX_RANGE_DAYS, type Range } from '../arguments.ts';
import { dayStatuses } from '../day-status.ts';

/** Cities, items and reasons listed separately; all others share one line. */
const MAX_LINES = 15;
/** Letters of a name that are shown; a field of a file may be a mebibyte long. */
const MAX_NAME = 120;
/** Dates of typing errors that are named. */
const MAX_DATES = 10;

export interface Sales {
  /** Rows that were shipped. */
  orders: number;
  /** Rows that were refunded. */
  refunds: number;
  /** Decimal text; refunds are negative. */
  revenue: string;
}

export const CATEGORIES = ['new', 'returning', 'refunded'] as const;
export type Category = (typeof CATEGORIES)[number];

/** An ISO week with sales, such as 2024-W08. */
type Week = { week: string; period_start: LoadDate; customers: number } & Record<
  `${Category}_customers_count`,
  number
> &
  Record<`${Category}_customers_revenue`, string>;

/** One city or item; without a name, all the others. */
export interface Line extends Sales {
  name: string | null;
  members: number;
}

type Totals = Sales & { customers: number };

interface Rejected {
  /** Null: of all the other reasons. */
  file: string | null;
  column_name: string | null;
  rule: string | null;
  members: number;
  rows: number;
}

/** A date of orders, outside of the range, that no delivery can be about: one of the most frequent of so many `dates`. */
interface Unlikely {
  date: LoadDate;
  rows: number;
  dates: number;
}

interface KnownRange {
  first_date: LoadDate;
  last_date: LoadDate;
  first_day: LoadDate | null;
  last_day: LoadDate;
  newest_loaded: LoadDate | null;
}

export type ReportData = NonNullable<Awaited<ReturnType<typeof readReport>>>;

/** Everything that the report shows; undefined when nothing was ever loaded. */
export async function readReport(database: Database, requested: Range, newestDue: LoadDate) {
  const [range] = await database.query<KnownRange & object>('report/range', [
    requested.from ?? null,
    requested.to ?? null,
    newestDue,
    MAX_RANGE_DAYS,
  ]);
  if (!range) return undefined;
  const { first_date: from, last_date: to, first_day, last_day, newest_loaded: newestLoaded } = range;
  // A default is never wrong usage, whatever stands in the database.
  checkRange({ from, to });
  const sales = await database.snapshot(async (session) => {
    const dates = [from, to];
    const totals = (first: LoadDate, last: LoadDate) => session.one<Totals>('report/totals', [first, last]);
    const lines = (kind: 'city' | 'item') =>
      session.run<Line>('report/lines', [...dates, MAX_LINES, MAX_NAME, kind]);
    const days = await session.run<Sales & { date: LoadDate }>('report/days', dates);
    const last = days.findLast(hasSales)?.date;
    const recent = last !== undefined &&
      addDays(last, -13) >= from && {
        from: addDays(last, -6),
        to: last,
        last: await totals(addDays(last, -6), last),
        previous: await totals(addDays(last, -13), addDays(last, -7)),
      };
    return {
      totals: await totals(from, to),
      /** The last seven days with sales, and the seven before, where the range has both and there were sales in both. */
      recent: recent && hasSales(recent.previous) ? recent : undefined,
      weeks: await session.run<Week>('report/weeks', dates),
      days,
      cities: await lines('city'),
      items: await lines('item'),
      unlikely: await session.run<Unlikely>('report/unlikely_dates', [...dates, MAX_DATES]),
      rejected: await session.run<Rejected>('report/rejected', [...dates, MAX_LINES]),
    };
  });
  // The report is about the mart: without Temporal, a running day keeps its previous state.
  const calendar = first_day === null ? [] : await dayStatuses(database, undefined, first_day, last_day);
  return { from, to, newestLoaded, ...sales, calendar };
}

export function hasSales({ orders, refunds }: Sales): boolean {
  return orders + refunds > 0;
}
