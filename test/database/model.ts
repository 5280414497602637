import { addDays } from '../../domain/load-date.ts';

/**
 * What staging and mart must hold, worked out in plain TypeScript from the deliveries alone. It follows the contract,
 * not the SQL: no increments of work, everything from scratch. A table is its rows, each a line of text as `lines`
 * in support.ts writes it, in any order.
 */

type Status = 'shipped' | 'refunded';

export interface OrderRow {
  id: bigint | null;
  uniqId: string;
  /** As PostgreSQL writes it: 2024-12-30 10:00:00. */
  dateTime: string;
  cityId: number;
  cityName: string;
  customerId: number;
  firstName: string | null;
  lastName: string | null;
  itemId: number;
  itemName: string;
  quantity: number;
  /** Money in cents, as delivered. */
  cents: number;
  status: Status;
  /** A column whose value is made bad in the file, so that the row is rejected. */
  bad: 'quantity' | 'date_time' | 'payment_amount' | null;
}

export interface Load {
  loadDate: string;
  isHistory: boolean;
  /** The number of its download: of two of one date and kind, the greater is the newer. */
  number: number;
  /** Of a file without the status column all rows are shipped. */
  withStatus: boolean;
  rows: readonly OrderRow[];
}

interface StagedOrder extends Omit<OrderRow, 'bad'> {
  loadDate: string;
  isHistory: boolean;
}

export interface Fact {
  uniqId: string;
  status: Status;
  date: string;
  itemId: number;
  customerId: number;
  cityId: number;
  quantity: number;
  /** Refunds negative. */
  cents: number;
}

export type Tables = Record<string, string[]>;

/** The tables that hang on the newest deliveries alone, whatever order they came in. */
export function tablesOf(loads: readonly Load[]): Tables {
  const newest = newestLoads(loads);
  const staged = newest.flatMap(stagedOrders);
  const facts = factsOf(staged);
  return {
    user_order_log: staged.map((row) =>
      line(
        ...[row.loadDate, row.isHistory, row.id, row.uniqId, row.dateTime, row.cityId, row.cityName],
        ...[row.customerId, row.firstName, row.lastName, row.itemId, row.itemName, row.quantity],
        ...[money(row.cents), row.status],
      ),
    ),
    rejected_row: newest.flatMap((load) =>
      load.rows.flatMap((row, index) =>
        row.bad === null ? [] : [line(load.loadDate, fileOf(load), index + 2, row.bad)],
      ),
    ),
    file_load: newest.map((load) => {
      const rejected = load.rows.filter((row) => row.bad !== null).length;
      const kept = stagedOrders(load).length;
      const duplicate = load.rows.length - rejected - kept;
      return line(...[load.loadDate, fileOf(load), load.number, load.rows.length, kept, duplicate, rejected]);
    }),
    f_sales: facts.map(factLine),
    d_calendar: unique(facts.map((fact) => fact.date)).map(calendarLine),
    f_customer_retention: retention(facts),
    f_customer_retention_by_item: retentionByItem(facts),
  };
}

/** What one delivery brings back into a mart from which facts, calendar and customers are gone (contract, ruling 43). */
export function broughtBack(again: Load, loads: readonly Load[]): Tables {
  const newest = newestLoads(loads);
  const held = newest.filter((load) => isSameFile(load, again)).flatMap(stagedOrders);
  const [orders, customers] = [new Set(held.map(keyOf)), new Set(held.map((row) => row.customerId))];
  const facts = factsOf(newest.flatMap(stagedOrders)).filter((fact) => orders.has(keyOf(fact)));
  return {
    f_sales: facts.map(factLine),
    d_calendar: unique(facts.map((fact) => fact.date)).map(calendarLine),
    d_customer: lastOrders(newest)
      .filter((row) => customers.has(row.customerId))
      .map(customerLine),
  };
}

/** The dimensions, which may tell of the order of loading: they are brought up to date load by load. */
export class Dimensions {
  readonly cities = new Map<number, string>();
  readonly items = new Map<number, string>();
  readonly customers = new Map<number, string>();

  /** `loads` are all so far, this one included; it may be superseded by one of them. */
  add(load: Load, loads: readonly Load[]): void {
    const newest = newestLoads(loads);
    const delivered = newest.find((other) => isSameFile(other, load));
    const rows = stagedOrders(delivered ?? load);
    for (const { cityId, cityName } of rows.toSorted(byId((row) => row.cityName)))
      if (!this.cities.has(cityId)) this.cities.set(cityId, cityName);
    for (const { itemId, itemName } of rows.toSorted(byId((row) => row.itemName)))
      if (!this.items.has(itemId)) this.items.set(itemId, itemName);
    for (const row of lastOrders(newest)) this.customers.set(row.customerId, customerLine(row));
  }

  tables(): Tables {
    return {
      d_city: [...this.cities].map(([id, name]) => line(id, name)),
      d_item: [...this.items].map(([id, name]) => line(id, name)),
      d_customer: [...this.customers.values()],
    };
  }
}

/** For loads side by side, or cut off half-way: the lines that dimensions may have. */
export function possibleDimensions(loads: readonly Load[]): Tables {
  const delivered = loads.flatMap(stagedOrders);
  return {
    d_city: delivered.map((row) => line(row.cityId, row.cityName)),
    d_item: delivered.map((row) => line(row.itemId, row.itemName)),
    d_customer: delivered.map(customerLine),
  };
}

// ---------------------------------------------------------------------------------------------------------
// Staging

function isSameFile(one: Load, other: Load): boolean {
  return one.loadDate === other.loadDate && one.isHistory === other.isHistory;
}

/** Per date and kind the load with the greatest number. */
function newestLoads(loads: readonly Load[]): Load[] {
  return loads.filter(
    (load) => !loads.some((other) => isSameFile(load, other) && other.number > load.number),
  );
}

/** One row per key: the greatest id, then the last in the file; a row without an id gives way to one with. */
function stagedOrders(load: Load): StagedOrder[] {
  const winners = new Map<string, StagedOrder>();
  for (const { bad, ...given } of load.rows) {
    if (bad !== null) continue;
    const { loadDate, isHistory } = load;
    const row = { ...given, status: load.withStatus ? given.status : 'shipped', loadDate, isHistory };
    const best = winners.get(keyOf(row));
    if (!best || (best.id ?? BELOW_ALL) <= (row.id ?? BELOW_ALL)) winners.set(keyOf(row), row);
  }
  return [...winners.values()];
}

const BELOW_ALL = -(2n ** 64n);
const ABOVE_ALL = 2n ** 64n;

/** The lowest id first, none last; of equal ones by name. */
function byId(nameOf: (row: StagedOrder) => string) {
  const rank = (row: StagedOrder) => [row.id ?? ABOVE_ALL, nameOf(row)];
  return (one: StagedOrder, other: StagedOrder): number => compare(rank(one), rank(other));
}

function keyOf({ uniqId, status }: Pick<OrderRow, 'uniqId' | 'status'>): string {
  return `${uniqId} ${status}`;
}

// ---------------------------------------------------------------------------------------------------------
// Mart

/** Per (uniq_id, status) the order of the newest delivery: increments before history, then the later date. */
function factsOf(staged: readonly StagedOrder[]): Fact[] {
  const newest = new Map<string, StagedOrder>();
  for (const row of staged) {
    const best = newest.get(keyOf(row));
    if (!best || isNewer(row, best)) newest.set(keyOf(row), row);
  }
  return [...newest.values()].map((row) => ({
    ...row,
    date: row.dateTime.slice(0, 10),
    cents: row.status === 'refunded' ? -Math.abs(row.cents) : row.cents,
  }));
}

function isNewer(row: StagedOrder, than: StagedOrder): boolean {
  return row.isHistory === than.isHistory ? row.loadDate > than.loadDate : than.isHistory;
}

/** Per customer the greatest (date_time, load_date, id); the rest of the comparison decides between true ties. */
function lastOrders(newest: readonly Load[]): StagedOrder[] {
  const rank = (row: StagedOrder) => [
    row.dateTime,
    row.loadDate,
    row.id ?? BELOW_ALL,
    row.isHistory ? '0' : '1',
    row.uniqId,
    row.status,
  ];
  const last = new Map<number, StagedOrder>();
  for (const row of newest.flatMap(stagedOrders)) {
    const best = last.get(row.customerId);
    if (!best || compare(rank(row), rank(best)) > 0) last.set(row.customerId, row);
  }
  return [...last.values()];
}

function customerLine(row: StagedOrder): string {
  return line(row.customerId, row.firstName, row.lastName, row.cityId);
}

function factLine(fact: Fact): string {
  const { uniqId, status, date, itemId, customerId, cityId, quantity, cents } = fact;
  return line(uniqId, status, dateId(date), itemId, customerId, cityId, quantity, money(cents));
}

// ---------------------------------------------------------------------------------------------------------
// Calendar and retention

/** ISO 8601: a week belongs to the year that its Thursday lies in. */
function isoWeek(date: string): { year: number; week: number; monday: string } {
  const monday = addDays(date, -((new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7));
  const thursday = addDays(monday, 3);
  const year = Number(thursday.slice(0, 4));
  const days = (Date.parse(thursday) - Date.parse(`${thursday.slice(0, 4)}-01-01`)) / 86_400_000;
  return { year, week: Math.floor(days / 7) + 1, monday };
}

function calendarLine(date: string): string {
  const { year, week, monday } = isoWeek(date);
  const weekday = (Date.parse(date) - Date.parse(monday)) / 86_400_000 + 1;
  const [calendarYear = 0, month = 0, day = 0] = date.split('-').map(Number);
  const quarter = Math.ceil(month / 3);
  const period = year * 100 + week;
  return line(dateId(date), date, weekday, day, week, year, monday, month, quarter, calendarYear, period);
}

/** mart.f_customer_retention from the rows of f_sales, in the words of the contract. */
export function retention(facts: readonly Fact[]): string[] {
  return weeks(facts).map((inWeek) => {
    const { period, monday } = periodOf(inWeek);
    return line('weekly', period, monday, ...measures(inWeek, inWeek));
  });
}

export function retentionByItem(facts: readonly Fact[]): string[] {
  return weeks(facts).flatMap((inWeek) => {
    const { period, monday } = periodOf(inWeek);
    return unique(inWeek.map((fact) => fact.itemId)).map((item) => {
      const ofItem = inWeek.filter((fact) => fact.itemId === item);
      return line('weekly', period, monday, item, ...measures(inWeek, ofItem));
    });
  });
}

/** The facts of each week that has any. */
function weeks(facts: readonly Fact[]): Fact[][] {
  return unique(facts.map((fact) => isoWeek(fact.date).monday)).map((monday) =>
    facts.filter((fact) => isoWeek(fact.date).monday === monday),
  );
}

function periodOf(inWeek: readonly Fact[]): { period: number; monday: string } {
  const { year, week, monday } = isoWeek(inWeek[0]?.date ?? '');
  return { period: year * 100 + week, monday };
}

/** Counts, revenues and refunds of the three categories: decided by the week, added up over `shown`. */
function measures(inWeek: readonly Fact[], shown: readonly Fact[]): (number | string)[] {
  const rowsOf = (customer: number, status: Status) =>
    inWeek.filter((fact) => fact.customerId === customer && fact.status === status).length;
  const categories: ((customer: number) => boolean)[] = [
    (customer) => rowsOf(customer, 'shipped') === 1,
    (customer) => rowsOf(customer, 'shipped') > 1,
    (customer) => rowsOf(customer, 'refunded') > 0,
  ];
  const rows = categories.map((isIn) => shown.filter((fact) => isIn(fact.customerId)));
  return [
    ...rows.map((facts) => unique(facts.map((fact) => fact.customerId)).length),
    ...rows.map((facts) => money(facts.reduce((sum, fact) => sum + fact.cents, 0))),
    ...rows.map((facts) => facts.filter((fact) => fact.status === 'refunded').length),
  ];
}

// ---------------------------------------------------------------------------------------------------------
// Text

function fileOf(load: Load): string {
  return load.isHistory ? 'user_order_log' : 'user_order_log_inc';
}

function dateId(date: string): number {
  return Number(date.replaceAll('-', ''));
}

/** Cents as numeric(18, 2) is written. */
export function money(cents: number): string {
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function line(...values: (string | number | bigint | boolean | null)[]): string {
  return values.map((value) => String(value ?? '-')).join(' | ');
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function compare(one: readonly (string | bigint)[], other: readonly (string | bigint)[]): number {
  for (const [index, value] of one.entries()) {
    const against = other[index] ?? '';
    if (value !== against) return value < against ? -1 : 1;
  }
  return 0;
}
