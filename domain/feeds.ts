import type { LoadDate } from './load-date.ts';

/**
 * The files of a delivery, described once. Download, check, staging, tests and docs derive from this table;
 * a further feed is one more entry here and its migration.
 */

/** How a column's text is read; the rules are in pipeline/validate/column-rules.ts. */
export type ColumnType = 'text' | 'bigint' | 'money' | 'timestamp';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** An empty value breaks the row. Default: true. */
  readonly required?: boolean;
  /** Longest text in characters; a key needs one, since an index entry holds 2,704 bytes at most. */
  readonly maxLength?: number;
  /** The only values that are allowed. */
  readonly allowed?: readonly string[];
  /** The header may lack this column; every row then has this value. */
  readonly whenColumnIsMissing?: string;
}

export interface Feed {
  /** Name of the staging table, of the full report's file, and (with `_inc`) of the increment's file. */
  readonly name: string;
  /** False for a file whose first line is data already: columns are then found by position. */
  readonly hasHeader: boolean;
  readonly columns: readonly Column[];
  /** Rows with equal values in these columns are one row. */
  readonly key: readonly string[];
  /** Among rows of one key the greatest value here is the newest; without it, the last in the file. */
  readonly newestBy?: string;
}

export const FEEDS: readonly Feed[] = [
  {
    name: 'user_order_log',
    hasHeader: true,
    columns: [
      { name: 'id', type: 'bigint', required: false },
      { name: 'uniq_id', type: 'text', maxLength: 200 },
      { name: 'date_time', type: 'timestamp' },
      { name: 'city_id', type: 'bigint' },
      { name: 'city_name', type: 'text' },
      { name: 'customer_id', type: 'bigint' },
      { name: 'first_name', type: 'text', required: false },
      { name: 'last_name', type: 'text', required: false },
      { name: 'item_id', type: 'bigint' },
      { name: 'item_name', type: 'text' },
      { name: 'quantity', type: 'bigint' },
      { name: 'payment_amount', type: 'money' },
      {
        name: 'status',
        type: 'text',
        allowed: ['shipped', 'refunded'],
        whenColumnIsMissing: 'shipped',
      },
    ],
    key: ['uniq_id', 'status'],
    newestBy: 'id',
  },
  {
    name: 'user_activity_log',
    hasHeader: true,
    columns: [
      { name: 'id', type: 'bigint', required: false },
      { name: 'uniq_id', type: 'text', maxLength: 200 },
      { name: 'date_time', type: 'timestamp' },
      { name: 'action_id', type: 'bigint' },
      { name: 'customer_id', type: 'bigint' },
      { name: 'quantity', type: 'bigint' },
    ],
    key: ['uniq_id'],
    newestBy: 'id',
  },
  {
    name: 'customer_research',
    hasHeader: true,
    columns: [
      { name: 'date_id', type: 'timestamp' },
      { name: 'category_id', type: 'bigint' },
      { name: 'geo_id', type: 'bigint' },
      { name: 'sales_qty', type: 'bigint' },
      { name: 'sales_amt', type: 'money' },
    ],
    key: ['date_id', 'category_id', 'geo_id'],
  },
  {
    name: 'price_log',
    hasHeader: false,
    columns: [
      { name: 'name', type: 'text', maxLength: 500 },
      { name: 'price', type: 'money' },
    ],
    key: ['name'],
  },
];

/** A day's increment, or history: the full report, staged under its start_day. */
export type Source = (typeof SOURCES)[number];
const SOURCES = ['increment', 'history'] as const;

/** What the report API gives for one load date. */
export interface Delivery {
  loadDate: LoadDate;
  source: Source;
}

/** The API's and the landing directory's name of a feed's file, e.g. `user_order_log_inc`. */
export function fileName({ feed, source }: { feed: string; source: Source }): string {
  return source === 'increment' ? `${feed}_inc` : feed;
}

/** The names of all files of a delivery. */
export function fileNames(source: Source): string[] {
  return FEEDS.map(({ name }) => fileName({ feed: name, source }));
}

/** The feed of a file of an increment or of history, by the file's name. */
export function feedOfFile(name: string): string {
  return name.replace(/_inc$/, '');
}

/** Throws for a name that no feed has, which is a programming error. */
export function feedNamed(name: string): Feed {
  const feed = FEEDS.find((one) => one.name === name);
  if (!feed) throw new Error(`There is no feed "${name}"; the feeds are described in domain/feeds.ts.`);
  return feed;
}

/** The order in which the columns of a feed's rows are copied: the one that tells the newest comes first. */
export function columnsInCopy({ columns, newestBy }: Feed): string[] {
  const names = columns.map(({ name }) => name);
  return newestBy === undefined ? names : [newestBy, ...names.filter((name) => name !== newestBy)];
}

/**
 * By file: the columns behind the customer's id. A row that was rejected for one of these has an id that was read; any
 * other row may be anybody's.
 */
export const COLUMNS_BEHIND_CUSTOMER: Readonly<Record<string, string[]>> = Object.fromEntries(
  FEEDS.flatMap(({ name: feed, columns }) => {
    const names = columns.map(({ name }) => name);
    const behind = names.includes('customer_id') ? names.slice(names.indexOf('customer_id') + 1) : [];
    return SOURCES.map((source) => [fileName({ feed, source }), behind]);
  }),
);

/** The feed that the facts are made of. */
export const ORDERS = 'user_order_log';

/** For the SQL function `staging.day_state`: the files that a date needs, and the one that the facts are made of. */
export const DAY_STATE_PARAMETERS = [
  fileNames('increment'),
  fileName({ feed: ORDERS, source: 'increment' }),
] as const;
