import { plainLines } from '../../dev/sample-api/plain-rows.ts';
import type { Delivery, DeliverySource, FileContent } from '../../dev/sample-api/server.ts';
import { FEEDS } from '../../domain/feeds.ts';

const COLUMNS = [
  ...['id', 'uniq_id', 'date_time', 'city_id', 'city_name', 'customer_id', 'first_name', 'last_name'],
  ...['item_id', 'item_name', 'quantity', 'payment_amount'],
] as (keyof Order)[];

/** One row of user_order_log; what is not given has a harmless value. */
export type Order = { uniq_id: string } & Partial<
  Record<'date_time' | 'city_name' | 'first_name' | 'last_name' | 'item_name' | 'status', string> &
    Record<'id' | 'city_id' | 'customer_id' | 'item_id' | 'quantity' | 'payment_amount', number | string>
>;

const HARMLESS: Partial<Order> = {
  ...{ date_time: '2024-02-25T00:00:00', city_id: 0, city_name: 'Москва' },
  ...{ customer_id: 1, first_name: 'Анна', last_name: 'Великая' },
  ...{ item_id: 1, item_name: 'Молоко 3%', quantity: 1, payment_amount: 100, status: 'shipped' },
};

/** The CSV of orders; with a status column as soon as one of them has a status. */
export function ordersCsv(
  orders: readonly Order[],
  { withStatus = orders.some((o) => o.status !== undefined) } = {},
): string {
  const columns = withStatus ? [...COLUMNS, 'status' as const] : COLUMNS;
  const lines = orders.map((order, index) => {
    const row: Partial<Order> = { id: index + 1, ...HARMLESS, ...order };
    return columns.map((column) => row[column] ?? HARMLESS[column]).join(',');
  });
  return [columns.join(','), ...lines, ''].join('\n');
}

export const ACTIVITY_CSV = `id,uniq_id,date_time,action_id,customer_id,quantity
1,61f5db980af0a370cfcc792a9dedffe9,2024-02-25T00:00:00,0,891,12
`;
export const RESEARCH_CSV = `date_id,category_id,geo_id,sales_qty,sales_amt
2024-02-25T00:00:00,1001,1,1,1012
`;
export const PRICES_CSV = 'Молоко 1%,100\nТоматы,50\n';

const FIRST_FEEDS: readonly string[] = [
  'user_order_log',
  'user_activity_log',
  'customer_research',
  'price_log',
];
/** Feeds that were added since have a row as well, so that no day of a test waits for them. */
const FURTHER = FEEDS.filter(({ name }) => !FIRST_FEEDS.includes(name)).map(
  (feed) =>
    [feed.name, [...plainLines(feed, ['1970-01-01'])].slice(0, feed.hasHeader ? 2 : 1).join('')] as const,
);

/** A delivery with these orders and small other files; `more` replaces or removes files. */
export function delivery(orders: readonly Order[] | string, more: Delivery['files'] = {}): Delivery {
  return {
    files: {
      user_order_log_inc: typeof orders === 'string' ? orders : ordersCsv(orders),
      user_activity_log_inc: ACTIVITY_CSV,
      customer_research_inc: RESEARCH_CSV,
      price_log_inc: PRICES_CSV,
      ...Object.fromEntries(FURTHER.map(([name, csv]) => [`${name}_inc`, csv])),
      ...more,
    },
  };
}

/** Deliveries by date that a test changes as it goes; a date without one is NOT FOUND. */
export class Deliveries implements DeliverySource {
  readonly byDate = new Map<string, Delivery>();
  history: { startDay: string; endDate: string; files: Record<string, FileContent> } = {
    startDay: '2024-02-02',
    endDate: '2024-02-24',
    files: {
      user_order_log: ordersCsv([]),
      user_activity_log: ACTIVITY_CSV,
      customer_research: RESEARCH_CSV,
      price_log: PRICES_CSV,
      ...Object.fromEntries(FURTHER),
    },
  };

  set(date: string, orders: readonly Order[] | string, more: Delivery['files'] = {}): void {
    this.byDate.set(date, delivery(orders, more));
  }

  increment(date: string): Delivery | null {
    return this.byDate.get(date) ?? null;
  }

  report() {
    return this.history;
  }
}
