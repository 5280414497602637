import { FEEDS, fileName, type Source } from '../../domain/feeds.ts';
import { dateOf, dayNumber } from './days.ts';
import { orderAt, type OrderRef, refundsOn, uniqIdOf } from './orders.ts';
import { plainLines } from './plain-rows.ts';
import { Random } from './random.ts';
import { CITIES, customerOf, ITEMS } from './shop.ts';

export interface GenerateOptions {
  /** Distinct orders of a day (160, as on 2024-02-25); the file has about 6.8 rows for each. */
  orders?: number;
}

/** The files of an increment by their key, each as lines made one at a time. */
export type FileLines = Record<string, () => Generator<string>>;

export const DEFAULT_ORDERS = 160;
/** The first date whose order log has a `status` column and refunds. */
const STATUS_FROM = '2024-03-01';

// The real 2024-02-25: 1,091 rows of 160 orders; the first 87 stand there once, the rest 13 or 14 times in blocks.
const REAL = { orders: 160, rows: 1_091, once: 87 };
const ACTIVITIES_PER_ORDER = 11 / 160;

const CHUNK_LENGTH = 64 * 1024;

/** Joins lines into chunks of about 64 KiB, so that a stream is not fed row by row. */
export function* chunks(lines: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += line;
    if (chunk.length >= CHUNK_LENGTH) {
      yield chunk;
      chunk = '';
    }
  }
  if (chunk !== '') yield chunk;
}

/** The same date and options always give the same bytes. */
export function incrementLines(date: string, options: GenerateOptions = {}): FileLines {
  return linesOf('increment', [dayNumber(date)], options);
}

/** The full report over the days `from` to `to` inclusive: the same orders as in the increments of those days. */
export function reportLines(from: string, to: string, options: GenerateOptions = {}): FileLines {
  const first = dayNumber(from);
  const days = Array.from({ length: dayNumber(to) - first + 1 }, (_, nth) => first + nth);
  return linesOf('history', days, options);
}

/** What makes the rows of a feed; one that is not named here gets rows by the types of its columns. */
const GENERATORS: Record<string, (days: readonly number[], options: GenerateOptions) => Generator<string>> = {
  user_order_log: orderLogLines,
  user_activity_log: activityLines,
  customer_research: researchLines,
  price_log: priceLines,
};

function linesOf(kind: Source, days: readonly number[], options: GenerateOptions): FileLines {
  return Object.fromEntries(
    FEEDS.map((feed) => {
      const make = GENERATORS[feed.name] ?? (() => plainLines(feed, days));
      return [fileName({ feed: feed.name, source: kind }), () => make(days, options)];
    }),
  );
}

// Lines end in CRLF because the real files' lines do.

function* orderLogLines(days: readonly number[], options: GenerateOptions): Generator<string> {
  const { orders = DEFAULT_ORDERS } = options;
  const statusDay = dayNumber(STATUS_FROM);
  const hasStatus = days.some((day) => day >= statusDay);
  yield `id,uniq_id,date_time,city_id,city_name,customer_id,first_name,last_name,item_id,item_name,quantity,payment_amount${hasStatus ? ',status' : ''}\r\n`;
  let id = 0;
  for (const day of days) {
    const date = dateOf(day);
    const refunds = day >= statusDay ? refundsOn(day, orders) : [];
    const distinct = orders + refunds.length;
    const once = Math.floor((distinct * REAL.once) / REAL.orders);
    const rows = Math.round((distinct * REAL.rows) / REAL.orders);
    for (let row = 0; row < rows; row++) {
      const nth = row < distinct ? row : once + ((row - once) % (distinct - once));
      const refund = refunds[nth - orders];
      const fields = orderFields(refund ?? { day, index: nth }, date, orders);
      const status = hasStatus ? (refund ? ',refunded' : ',shipped') : '';
      yield `${++id},${fields}${status}\r\n`;
    }
  }
}

function orderFields(ref: OrderRef, date: string, ordersPerDay: number): string {
  const { uniqId, cityId, customerId, itemId, quantity } = orderAt(ref, ordersPerDay);
  const { firstName, lastName } = customerOf(customerId);
  const item = ITEMS[itemId] ?? { name: '', price: 0 };
  const city = CITIES[cityId] ?? '';
  return `${uniqId},${date}T00:00:00,${cityId},${city},${customerId},${firstName},${lastName},${itemId},${item.name},${quantity},${quantity * item.price}`;
}

function* activityLines(days: readonly number[], options: GenerateOptions): Generator<string> {
  const rows = Math.round((options.orders ?? DEFAULT_ORDERS) * ACTIVITIES_PER_ORDER);
  yield 'id,uniq_id,date_time,action_id,customer_id,quantity\r\n';
  let id = 0;
  for (const day of days) {
    for (let row = 0; row < rows; row++) {
      const [uniqId, seed] = uniqIdOf(day, row, 'activity');
      const r = new Random(seed);
      yield `${++id},${uniqId},${dateOf(day)}T00:00:00,${r.below(4)},${r.below(1_000)},${1 + r.below(24)}\r\n`;
    }
  }
}

function* researchLines(days: readonly number[]): Generator<string> {
  yield 'date_id,category_id,geo_id,sales_qty,sales_amt\r\n';
  for (const day of days) {
    const r = new Random(day);
    for (let category = 1_001; category <= 1_010; category++) {
      for (let geo = 1; geo <= 3; geo++) {
        const quantity = r.below(10);
        yield `${dateOf(day)}T00:00:00,${category},${geo},${quantity},${quantity * 1_012}\r\n`;
      }
    }
  }
}

/** The price log has no header line. */
function* priceLines(): Generator<string> {
  for (const { name, price } of ITEMS) yield `${name},${price}\r\n`;
}
