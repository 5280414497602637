import { FEEDS, fileName, type Source } from '../../domain/feeds.ts';
import { orderFields, refundsOn, uniqIdOf } from './orders.ts';
import { plainLines } from './plain-rows.ts';
import { dayNumber, Random } from './random.ts';
import { ITEMS } from './shop.ts';

/** As many distinct orders as on the real 2024-02-25; the file has about 6.8 rows for each. */
export const DEFAULT_ORDERS = 160;
/** The first date whose order log has a `status` column and refunds. */
const STATUS_FROM = '2024-03-01';

// The real 2024-02-25: 1,091 rows of 160 orders; the first 87 stand there once, the rest 13 or 14 times in blocks.
const REAL = { orders: 160, rows: 1_091, once: 87 };
const ACTIVITIES_PER_ORDER = 11 / 160;

const CHUNK_LENGTH = 64 * 1024;

/** What makes the rows of a feed; one that is not named here gets rows by the types of its columns. */
const GENERATORS: Record<string, (dates: readonly string[], orders: number) => Generator<string>> = {
  user_order_log: orderLogLines,
  user_activity_log: activityLines,
  customer_research: researchLines,
  price_log: priceLines,
};

/**
 * The files of these dates by their key, each in chunks that are made one at a time; a report has the orders of the
 * increments of its days. The same dates and orders a day always give the same bytes.
 */
export function generatedFiles(
  source: Source,
  dates: readonly string[],
  orders = DEFAULT_ORDERS,
): Record<string, () => Generator<string>> {
  return Object.fromEntries(
    FEEDS.map((feed) => {
      const make = GENERATORS[feed.name] ?? (() => plainLines(feed, dates));
      return [fileName({ feed: feed.name, source }), () => chunks(make(dates, orders))];
    }),
  );
}

/** Joins lines into chunks of about 64 KiB, so that a stream is not fed row by row. */
function* chunks(lines: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += line;
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

// Lines end in CRLF because the real files' lines do.

function* orderLogLines(dates: readonly string[], orders: number): Generator<string> {
  const hasStatus = dates.some((date) => date >= STATUS_FROM);
  yield `id,uniq_id,date_time,city_id,city_name,customer_id,first_name,last_name,item_id,item_name,quantity,payment_amount${hasStatus ? ',status' : ''}\r\n`;
  let id = 0;
  for (const date of dates) {
    const day = dayNumber(date);
    const refunds = date >= STATUS_FROM ? refundsOn(day, orders) : [];
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

function* activityLines(dates: readonly string[], orders: number): Generator<string> {
  const rows = Math.round(orders * ACTIVITIES_PER_ORDER);
  yield 'id,uniq_id,date_time,action_id,customer_id,quantity\r\n';
  let id = 0;
  for (const date of dates) {
    for (let row = 0; row < rows; row++) {
      const [uniqId, seed] = uniqIdOf(dayNumber(date), row, 'activity');
      const r = new Random(seed);
      yield `${++id},${uniqId},${date}T00:00:00,${r.below(4)},${r.below(1_000)},${1 + r.below(24)}\r\n`;
    }
  }
}

function* researchLines(dates: readonly string[]): Generator<string> {
  yield 'date_id,category_id,geo_id,sales_qty,sales_amt\r\n';
  for (const date of dates) {
    const r = new Random(dayNumber(date));
    for (let category = 1_001; category <= 1_010; category++) {
      for (let geo = 1; geo <= 3; geo++) {
        const quantity = r.below(10);
        yield `${date}T00:00:00,${category},${geo},${quantity},${quantity * 1_012}\r\n`;
      }
    }
  }
}

/** The price log has no header line. */
function* priceLines(): Generator<string> {
  for (const [name, price] of ITEMS) yield `${name},${price}\r\n`;
}
