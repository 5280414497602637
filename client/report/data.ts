import type { Database, Session } from '../../database/database.ts';
import { plainText } from '../../domain/text.ts';
import { addDays, type LoadDate } from '../../domain/load-date.ts';
import { checkRange, MAX_RANGE_DAYS } from '../arguments.ts';
import { dayStatuses } from '../day-status.ts';
import type { DayStatus } from '../../schemas/documents.ts';

/** Cities, items and reasons listed separately; all others share one line. */
const MAX_LINES = 15;
/** Letters of a name that are shown; a field of a file may be a mebibyte long. */
const MAX_NAME = 120;
/** Dates of typing errors that are named. */
const MAX_DATES = 10;

/** Money is decimal text throughout. */
export interface Sales {
  /** Rows that were shipped. */
  orders: number;
  /** Rows that were refunded. */
  refunds: number;
  /** Refunds are negative. */
  revenue: string;
}

export interface DaySales extends Sales {
  date: LoadDate;
}

export interface Week {
  /** 202408 */
  id: number;
  /** Its Monday. */
  start: LoadDate;
  customers: Record<Category, number>;
  /** 0 to 1, of all customers with an order or a refund in the week. */
  shares: Record<Category, number>;
  revenue: Record<Category, string>;
}

export const CATEGORIES = ['new', 'returning', 'refunded'] as const;
export type Category = (typeof CATEGORIES)[number];

/** One city or item; without a name, all the others. */
export interface Line extends Sales {
  name: string | null;
  members: number;
}

/** Rows rejected for one reason; without a file, for all the other reasons. */
export interface Rejected {
  file: string | null;
  column: string | null;
  rule: string | null;
  members: number;
  rows: number;
}

export interface Totals extends Sales {
  customers: number;
}

/** The last seven days with sales, and the seven before. */
export interface Recent {
  from: LoadDate;
  to: LoadDate;
  last: Totals;
  previous: Totals;
}

export interface ReportData {
  from: LoadDate;
  to: LoadDate;
  newestLoaded: LoadDate | null;
  totals: Totals;
  /** Absent when the range has no 14 days, or no sales in the earlier seven. */
  recent?: Recent | undefined;
  weeks: Week[];
  days: DaySales[];
  cities: Line[];
  items: Line[];
  /** The state of each day, from the first with any load. */
  calendar: DayStatus[];
  rejected: Rejected[];
  /** Dates of orders, outside of the range, that no delivery can be about: the most frequent ones. */
  unlikely: UnlikelyDate[];
}

export interface UnlikelyDate {
  date: LoadDate;
  rows: number;
  /** How many such dates there are in all. */
  dates: number;
}

export interface Range {
  from?: LoadDate;
  to?: LoadDate;
}

interface Known {
  first_date: LoadDate | null;
  last_date: LoadDate | null;
  first_load: LoadDate | null;
  last_load: LoadDate | null;
  newest_loaded: LoadDate | null;
}

/** Everything that the report shows; undefined when nothing was ever loaded. */
export async function readReport(
  database: Database,
  requested: Range,
  newestDue: LoadDate,
): Promise<ReportData | undefined> {
  const [known] = await database.query<Known & object>('report/range');
  const range = known && reportRange(requested, known);
  if (!range) return undefined;
  const { from, to } = range;
  const sales = await database.snapshot(async (session) => {
    const dates = [from, to];
    // One letter more, which shows that a name was cut.
    const lines = [...dates, MAX_LINES, MAX_NAME + 1];
    const days = (await session.run<SalesRow & { date: LoadDate }>('report/days', dates)).map((row) => ({
      date: row.date,
      ...salesOf(row),
    }));
    const customers = new Map(
      (await session.run<WeekCustomersRow>('report/week_customers', dates)).map((row) => [
        row.period_id,
        Number(row.customers),
      ]),
    );
    return {
      totals: await totalsOf(session, from, to),
      recent: await recentOf(session, from, days.findLast(hasSales)?.date),
      weeks: (await session.run<WeekRow>('report/weeks', dates)).map((row) => weekOf(row, customers)),
      days,
      cities: (await session.run<LineRow>('report/lines', [...lines, 'city'])).map(lineOf),
      items: (await session.run<LineRow>('report/lines', [...lines, 'item'])).map(lineOf),
      unlikely: (await session.run<UnlikelyRow>('report/unlikely_dates', [...dates, MAX_DATES])).map(
        ({ date, rows, dates: all }) => ({ date, rows: Number(rows), dates: Number(all) }),
      ),
      rejected: (await session.run<RejectedRow>('report/rejected', [...dates, MAX_LINES])).map(rejectedOf),
    };
  });
  return {
    from,
    to,
    newestLoaded: known.newest_loaded,
    ...sales,
    calendar: await calendarOf(database, range, known, newestDue),
  };
}

export function hasSales({ orders, refunds }: Sales): boolean {
  return orders + refunds > 0;
}

async function totalsOf(session: Session, from: LoadDate, to: LoadDate): Promise<Totals> {
  const [row] = await session.run<SalesRow & { customers: string }>('report/totals', [from, to]);
  return { ...salesOf(row), customers: Number(row?.customers ?? 0) };
}

async function recentOf(
  session: Session,
  from: LoadDate,
  to: LoadDate | undefined,
): Promise<Recent | undefined> {
  if (to === undefined || addDays(to, -13) < from) return undefined;
  const previous = await totalsOf(session, addDays(to, -13), addDays(to, -7));
  if (!hasSales(previous)) return undefined;
  return { from: addDays(to, -6), to, last: await totalsOf(session, addDays(to, -6), to), previous };
}

/** The requested range; a missing end comes from the dates in the database. */
function reportRange({ from, to }: Range, known: Known): { from: LoadDate; to: LoadDate } | undefined {
  const last = to ?? latest(known.last_date, from);
  if (last === undefined) return undefined;
  const first = from ?? latest(earliest(known.first_date, last), addDays(last, 1 - MAX_RANGE_DAYS)) ?? last;
  // A default is never wrong usage, whatever stands in the database.
  checkRange(first, last);
  return { from: first, to: last };
}

/** From the first known increment to the newest that is due or loaded. */
async function calendarOf(
  database: Database,
  { from, to }: { from: LoadDate; to: LoadDate },
  { first_load, last_load }: Known,
  newestDue: LoadDate,
): Promise<DayStatus[]> {
  if (first_load === null) return [];
  const first = latest(from, first_load) ?? from;
  const last = earliest(to, latest(last_load, newestDue)) ?? to;
  // The report is about the mart: without Temporal, a running day keeps its previous state.
  return await dayStatuses(database, undefined, first, last);
}

function earliest(...dates: (LoadDate | null | undefined)[]): LoadDate | undefined {
  return inOrder(dates)[0];
}

function latest(...dates: (LoadDate | null | undefined)[]): LoadDate | undefined {
  return inOrder(dates).at(-1);
}

function inOrder(dates: readonly (LoadDate | null | undefined)[]): LoadDate[] {
  return dates.filter((date) => date !== null && date !== undefined).sort();
}

type SalesRow = Record<'orders' | 'refunds' | 'revenue', string>;
type LineRow = SalesRow & { name: string | null; members: string };
type WeekRow = { period_id: number; period_start: LoadDate } & Record<
  `${Category}_customers_${'count' | 'revenue'}`,
  string
>;
interface WeekCustomersRow {
  period_id: number;
  customers: string;
}
interface UnlikelyRow {
  date: LoadDate;
  rows: string;
  dates: string;
}
interface RejectedRow {
  file: string | null;
  column_name: string | null;
  rule: string | null;
  members: string;
  rejected: string;
}

function salesOf(row: SalesRow | undefined): Sales {
  return {
    orders: Number(row?.orders ?? 0),
    refunds: Number(row?.refunds ?? 0),
    revenue: row?.revenue ?? '0.00',
  };
}

function lineOf(row: LineRow): Line {
  return {
    name: row.name === null ? null : plainText(row.name, MAX_NAME),
    members: Number(row.members),
    ...salesOf(row),
  };
}

function weekOf(row: WeekRow, customersOfWeek: ReadonlyMap<number, number>): Week {
  const customers = {
    new: Number(row.new_customers_count),
    returning: Number(row.returning_customers_count),
    refunded: Number(row.refunded_customers_count),
  };
  const all = customersOfWeek.get(row.period_id) ?? NaN;
  return {
    id: row.period_id,
    start: row.period_start,
    customers,
    shares: {
      new: customers.new / all,
      returning: customers.returning / all,
      refunded: customers.refunded / all,
    },
    revenue: {
      new: row.new_customers_revenue,
      returning: row.returning_customers_revenue,
      refunded: row.refunded_customers_revenue,
    },
  };
}

function rejectedOf(row: RejectedRow): Rejected {
  return {
    file: row.file,
    column: row.column_name,
    rule: row.rule,
    members: Number(row.members),
    rows: Number(row.rejected),
  };
}
