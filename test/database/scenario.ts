import assert from 'node:assert/strict';
import fc from 'fast-check';
import type pg from 'pg';
import { verify } from '../../database/verify.ts';
import type { Order } from '../support/deliveries.ts';
import {
  broughtBack,
  Dimensions,
  possibleDimensions,
  money,
  tablesOf,
  type Load,
  type OrderRow,
} from './model.ts';
import type { Source } from '../../domain/feeds.ts';
import { DIMENSIONS, MART_STEPS, tables, textOf, type Loader } from './support.ts';

/** One load of a scenario, in the form that fast-check generates and shrinks. */
export interface Step {
  loadDate: string;
  isHistory: boolean;
  withStatus: boolean;
  rows: OrderRow[];
  /** Delivers what this earlier step delivered, under this step's date. */
  copyOf: number | null;
  /** Its download began so many steps before: it may be older than what is staged. */
  lateness: number;
  /** Runs beside the step before. */
  together: boolean;
  /** How many of the mart's steps it comes to before it is cut off; the date is finished at the end. */
  martSteps: number;
}

const LOAD_DATES = ['2024-12-28', '2024-12-30', '2025-01-02'];
/** Weeks 202452 and 202501, and 2024-12-30, which belongs to a week of the next year. */
const DATE_TIMES = [
  '2024-12-29 23:59:59.999999',
  '2024-12-30 00:00:00',
  '2024-12-30 10:00:00.5',
  '2025-01-05 12:00:00',
];

/** None, below zero, two of which the greater is the lesser text, two that a double cannot tell apart. */
const IDS = [null, null, null, -(2n ** 63n), -1n, 9n, 10n, 2n ** 63n - 2n, 2n ** 63n - 1n];

const row: fc.Arbitrary<OrderRow> = fc.record({
  id: fc.constantFrom(...IDS),
  uniqId: fc.constantFrom('a', 'b', 'c'),
  dateTime: fc.constantFrom(...DATE_TIMES),
  cityId: fc.integer({ min: 1, max: 2 }),
  cityName: fc.constantFrom('Москва', 'Тула'),
  customerId: fc.integer({ min: 1, max: 2 }),
  firstName: fc.constantFrom('Анна', 'Борис', null),
  lastName: fc.constantFrom('Великая', null),
  itemId: fc.integer({ min: 1, max: 2 }),
  itemName: fc.constantFrom('Молоко', 'Хлеб'),
  quantity: fc.integer({ min: 1, max: 2 }),
  cents: fc.constantFrom(10_000, 5_050, 1, 0, -3_000),
  status: fc.constantFrom('shipped', 'shipped', 'refunded'),
  bad: often(null, fc.constantFrom('quantity', 'date_time', 'payment_amount'), 12),
});

/** A row, and repeats of it: files repeat rows massively, equal but for the id. */
const repeatedRow: fc.Arbitrary<OrderRow[]> = fc
  .tuple(row, fc.array(fc.constantFrom(...IDS), { maxLength: 2 }))
  .map(([one, ids]) => [one, ...ids.map((id) => ({ ...one, id }))]);

const step: fc.Arbitrary<Step> = fc.record({
  loadDate: fc.constantFrom(...LOAD_DATES),
  isHistory: fc.constantFrom(false, false, true),
  withStatus: often(true, fc.constant(false)),
  rows: fc.array(repeatedRow, { maxLength: 5 }).map((rows) => rows.flat()),
  copyOf: often(null, fc.nat({ max: 7 })),
  lateness: often(0, fc.integer({ min: 1, max: 3 })),
  together: often(false, fc.constant(true)),
  martSteps: often<number>(MART_STEPS, fc.integer({ min: 0, max: MART_STEPS - 1 })),
});

/** The value so many times out of once more. */
function often<T>(value: T, otherwise: fc.Arbitrary<T>, weight = 4): fc.Arbitrary<T> {
  return fc.oneof({ arbitrary: fc.constant(value), weight }, { arbitrary: otherwise, weight: 1 });
}

/** Any loads, in any order, some side by side, some cut off. */
export const scenarios: fc.Arbitrary<Step[]> = fc.array(step, {
  minLength: 1,
  maxLength: 10,
  size: 'max',
});

/** Loads one after the other, none cut off: even the dimensions are then known exactly. */
export const orderlyScenarios: fc.Arbitrary<Step[]> = scenarios.map((steps) =>
  steps.map((one) => ({ ...one, together: false, martSteps: MART_STEPS })),
);

/** Every step's load, with the numbers that their downloads have. */
function loadsOf(steps: readonly Step[]): Load[] {
  const loads: Load[] = [];
  for (const [index, { loadDate, isHistory, withStatus, rows, copyOf, lateness }] of steps.entries()) {
    const original = copyOf === null ? undefined : loads[copyOf];
    loads.push({
      ...{ loadDate, isHistory, withStatus, rows, ...(original && { rows: original.rows }) },
      number: (index - lateness + 10) * 100 + index,
    });
  }
  return loads;
}

/** Loads a scenario into an empty database, and compares every table with the model. */
export async function play(steps: readonly Step[], loader: Loader, pool: pg.Pool): Promise<void> {
  const loads = loadsOf(steps);
  const unfinished = new Map<string, Load>();
  for (const group of groupsOf(steps, loads)) {
    await Promise.all(
      group.map(async ({ load, martSteps }) => {
        await stage(loader, load);
        await loader.updateMart(load.loadDate, sourceOf(load), martSteps);
      }),
    );
    for (const { load } of group) unfinished.delete(keyOf(load));
    for (const { load, martSteps } of group) {
      if (martSteps < MART_STEPS) unfinished.set(keyOf(load), load);
    }
  }
  // Temporal takes up again what was cut off, in any order.
  for (const load of unfinished.values()) await loader.updateMart(load.loadDate, sourceOf(load));

  assert.deepEqual(await verify(loader.database, {}, () => undefined), [], 'what `client verify` says');
  const expected = tablesOf(loads);
  assert.equal(textOf(await tables(pool, Object.keys(expected))), textOf(expected));
  const found = await tables(pool, DIMENSIONS);
  if (steps.some((one) => one.together || one.martSteps < MART_STEPS)) {
    // None is missing, and the last orders are right, as `verify` has it.
    const possible = possibleDimensions(loads);
    for (const [name, rows] of Object.entries(found))
      assert.deepEqual(
        rows.filter((row) => !possible[name]?.includes(row)),
        [],
        `${name} has lines that no delivery gives`,
      );
  } else {
    const dimensions = new Dimensions();
    for (const [index, load] of loads.entries()) dimensions.add(load, loads.slice(0, index + 1));
    assert.equal(textOf(found), textOf(dimensions.tables()));
  }

  const [again] = loads;
  if (!again) return;
  await pool.query('delete from mart.f_sales; delete from mart.d_customer; delete from mart.d_calendar');
  await loader.updateMart(again.loadDate, sourceOf(again));
  const back = broughtBack(again, loads);
  assert.equal(textOf(await tables(pool, Object.keys(back))), textOf(back), 'after a deletion by hand');
}

async function stage(loader: Loader, load: Load): Promise<void> {
  const { number, withStatus } = load;
  await loader.stage(load.loadDate, load.rows.map(csvRow), {
    source: sourceOf(load),
    deliveryNumber: number,
    withStatus,
  });
}

function csvRow(one: OrderRow): Order {
  return {
    id: String(one.id ?? ''),
    uniq_id: one.uniqId,
    date_time: one.bad === 'date_time' ? '2024-02-30 00:00:00' : one.dateTime,
    city_id: one.cityId,
    city_name: one.cityName,
    customer_id: one.customerId,
    first_name: one.firstName ?? '',
    last_name: one.lastName ?? '',
    item_id: one.itemId,
    item_name: one.itemName,
    quantity: one.bad === 'quantity' ? 'two' : one.quantity,
    payment_amount: one.bad === 'payment_amount' ? 'NaN' : money(one.cents),
    status: one.status,
  };
}

function groupsOf(steps: readonly Step[], loads: readonly Load[]): { load: Load; martSteps: number }[][] {
  const groups: { load: Load; martSteps: number }[][] = [];
  for (const [index, load] of loads.entries()) {
    const { together = false, martSteps = 0 } = steps[index] ?? {};
    const last = groups.at(-1);
    if (together && last) last.push({ load, martSteps });
    else groups.push([{ load, martSteps }]);
  }
  return groups;
}

function sourceOf(load: Load): Source {
  return load.isHistory ? 'history' : 'increment';
}

function keyOf(load: Load): string {
  return `${load.loadDate} ${sourceOf(load)}`;
}
