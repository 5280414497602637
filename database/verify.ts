import { FEEDS } from '../domain/feeds.ts';
import type { LoadDate } from '../domain/load-date.ts';
import type { Database, Session } from './database.ts';
import { martLock, NAMES_LOCK } from './locks.ts';
import { sql } from './sql.ts';

/** How rows of one table differ from its definition. */
export interface Difference {
  /** A table or view, e.g. `mart.f_sales`, or a column of one. */
  table: string;
  difference: 'missing' | 'extra' | 'different';
  rows: number;
  /** The keys of the first ones; no other value of a row. */
  first_keys: string[];
  /** Whether `--repair` has mended it. */
  mended: boolean;
}

export interface DateRange {
  from?: LoadDate | undefined;
  to?: LoadDate | undefined;
}

interface Kind {
  table: string;
  /** Its definition is sql/verify/<name>.sql, with the columns of the table in their order. */
  name: string;
  key: readonly string[];
  /** What is compared, where it is not the table itself: sql/verify/<found>.sql. */
  found?: string;
  /** Rows beyond the definition are right, and so are names that differ (contract, ruling 2). */
  onlyGrows?: boolean;
  /** Rows beyond it are right: a customer whose rows a redelivery took away stays (contract, ruling 2). */
  mayHoldMore?: boolean;
  /** Rows have a load_date, by which a range limits them. */
  hasLoadDate?: boolean;
  /** What the definition is made of, beside tables. */
  needs?: 'fact' | 'categorised' | 'staged';
  repair?: (session: Session, kind: Kind, range: DateRange) => Promise<void>;
}

const SHOWN = 'staging.file_load.mart_delivery_number';

const STAGED: Kind = {
  table: 'staging.file_load.rows_kept',
  name: 'staged_rows',
  key: ['load_date', 'file'],
  found: 'staged_rows_found',
  hasLoadDate: true,
  needs: 'staged',
};

const KINDS: readonly Kind[] = [
  {
    table: 'mart.f_sales',
    name: 'f_sales',
    key: ['uniq_id', 'status'],
    hasLoadDate: true,
    repair: (session, kind, range) => replaceRows(session, kind, 'f_sales', range),
  },
  {
    table: 'mart.d_calendar',
    name: 'd_calendar',
    key: ['date_id'],
    needs: 'fact',
    repair: (session, kind, range) => replaceRows(session, kind, 'f_sales', range),
  },
  ...(['city', 'item'] as const).map((name) => ({
    table: `mart.d_${name}`,
    name: `d_${name}`,
    key: [`${name}_id`],
    onlyGrows: true,
    repair: (session: Session, kind: Kind, range: DateRange) =>
      replaceRows(session, kind, `d_${name}`, range),
  })),
  {
    table: 'mart.d_customer',
    name: 'd_customer',
    key: ['customer_id'],
    hasLoadDate: true,
    mayHoldMore: true,
    repair: async (session, kind, range) => {
      await session.lock(martLock('d_customer'));
      await session.lockShared(NAMES_LOCK);
      await replaceRows(session, kind, 'd_customer', range);
    },
  },
  {
    table: 'mart.f_customer_retention',
    name: 'f_customer_retention',
    key: ['period_id'],
    needs: 'categorised',
  },
  {
    table: 'mart.f_customer_retention_by_item',
    name: 'f_customer_retention_by_item',
    key: ['period_id', 'item_id'],
    needs: 'categorised',
  },
  {
    table: 'staging.day_load.revenue',
    name: 'day_load',
    key: ['load_date', 'is_history'],
    found: 'day_load_found',
    hasLoadDate: true,
    repair: async (session) => {
      await session.lock(martLock('f_sales'));
      await session.run('verify/mend_day_load');
    },
  },
  STAGED,
  {
    table: SHOWN,
    name: 'shown',
    key: ['load_date', 'file'],
    found: 'shown_found',
    hasLoadDate: true,
    repair: async (session) => {
      await session.lock(martLock('f_sales'));
      // What is staged after this is not among them, whatever the next statements see of it.
      const staged = await session.run<{ load_date: string; delivery_number: string }>('verify/not_shown');
      for (const kind of KINDS.filter(({ name }) => name === 'f_sales' || name === 'd_calendar'))
        await replaceRows(session, kind, 'f_sales', {});
      await session.run('verify/mend_shown', [
        staged.map(({ load_date }) => load_date),
        staged.map(({ delivery_number }) => delivery_number),
      ]);
    },
  },
];

/** Begun first, the last one before all, so that two connections have as much to do. */
const LONGEST = ['f_customer_retention', 'f_sales', 'f_customer_retention_by_item'];

/**
 * Compares the whole mart, and what `status` says of it, with the definitions over staging (contract, section 3 and
 * ruling 43), as of one moment; loads go on meanwhile. Dates between staging and mart differ until they are loaded.
 */
export async function verify(
  database: Database,
  range: DateRange,
  note: (line: string) => void,
): Promise<Difference[]> {
  const isWhole = range.from === undefined && range.to === undefined;
  return await database.snapshotTwice(async (sessions) => {
    const found = new Map<Kind, Difference[]>();
    const compare = async (kinds: readonly Kind[], factsAreRight: boolean) => {
      const waiting = [...kinds].sort((a, b) => LONGEST.indexOf(b.name) - LONGEST.indexOf(a.name));
      const inTurn = async (session: Session) => {
        for (let kind = waiting.shift(); kind; kind = waiting.shift()) {
          const startedAt = performance.now();
          const rows = await differences(session, kind, range, factsAreRight);
          const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
          note(`${kind.table}: ${rows.length === 0 ? 'as it should be' : 'differs'} (${seconds} s)`);
          found.set(kind, rows);
        }
      };
      await Promise.all(sessions.map(inTurn));
      return KINDS.flatMap((kind) => found.get(kind) ?? []);
    };
    const all = await compare(KINDS, isWhole);
    if (!isWhole || !isAmong(all, 'mart.f_sales')) return all;
    note('Facts differ: what is made of them is compared with staging itself.');
    return await compare(
      KINDS.filter(({ needs }) => needs === 'fact' || needs === 'categorised'),
      false,
    );
  });
}

/** Whether staging itself has not the rows that were loaded: then the mart cannot be mended by it. */
export function isStagingDamaged(found: readonly Difference[]): boolean {
  return isAmong(found, STAGED.table);
}

/**
 * What is found of a range with the damage of staging of all dates: a date outside of it may hold the newest delivery of an
 * order within.
 */
export async function withStagingDamage(
  database: Database,
  found: readonly Difference[],
): Promise<Difference[]> {
  const damage = await database.snapshot((session) => differences(session, STAGED, {}, false));
  return [...found.filter(({ table }) => table !== STAGED.table), ...damage];
}

/** Whether dates are staged and not in the mart: a run is about to load them, or has ended before. */
export function isUnderWay(found: readonly Difference[]): boolean {
  return isAmong(found, SHOWN);
}

function isAmong(found: readonly Difference[], name: string): boolean {
  return found.some(({ table }) => table === name);
}

/** Mends what differs in a range, one transaction a table, under the locks of loads; what is right meanwhile stays. */
export async function repair(
  database: Database,
  found: readonly Difference[],
  range: DateRange,
  note: (line: string) => void,
): Promise<void> {
  for (const kind of KINDS) {
    const { repair: mend } = kind;
    if (!mend || !isAmong(found, kind.table)) continue;
    note(`${kind.table}: being mended`);
    await database.transaction((session) => mend(session, kind, range));
  }
}

async function differences(
  session: Session,
  kind: Kind,
  range: DateRange,
  factsAreRight: boolean,
): Promise<Difference[]> {
  const { rows } = await session.query<Omit<Difference, 'table' | 'mended'>>(
    `${withDifference(kind, factsAreRight)}
     select difference, count(*)::float8 as rows, array(
       select key from difference as first where first.difference = difference.difference order by key limit 5
     ) as first_keys
     from difference
     group by difference
     order by difference desc`,
    boundsOf(range),
  );
  return rows.map((row) => ({ table: kind.table, ...row, mended: false }));
}

function boundsOf({ from, to }: DateRange): [from: string, to: string] {
  return [from ?? '-infinity', to ?? 'infinity'];
}

/**
 * The common table expression `difference` of a table and its definition. Facts that are right are read from the mart,
 * which is several times faster than to pick them from staging once more.
 */
function withDifference(kind: Kind, factsAreRight: boolean): string {
  const { table, key, found } = kind;
  const on = (one: string, other: string) =>
    key.map((name) => `${one}.${name} = ${other}.${name}`).join(' and ');
  const [first = ''] = key;
  const isCompared = kind.onlyGrows ? 'false' : 'row(expected.*) is distinct from row(found.*)';
  const isExtra = kind.onlyGrows || kind.mayHoldMore ? 'false' : `expected.${first} is null`;
  const inRange = kind.hasLoadDate
    ? ['expected', 'found'].map((side) => `coalesce(${side}.load_date between $1 and $2, false)`).join(' or ')
    : (RANGES[kind.name] ?? 'true');
  return `with range as (select $1::date as first_date, $2::date as last_date),
    ${definitionOf(kind, factsAreRight)},
    difference as materialized (
      select
        case when found.${first} is null then 'missing' when expected.${first} is null then 'extra' else 'different' end
          as difference,
        concat_ws(' ', ${key.map((name) => `coalesce(expected.${name}, found.${name})`).join(', ')}) as key,
        ${key.map((name) => `coalesce(expected.${name}, found.${name}) as ${name}`).join(', ')}
      from expected
      full join (${found === undefined ? `select * from ${table}` : sql(`verify/${found}`)}) as found
        on ${on('expected', 'found')}
      where (${inRange})
        and case
          when found.${first} is null then true
          when expected.${first} is null then ${isExtra}
          else ${isCompared}
        end
    )`;
}

/** Which rows of a table without load dates a range is about: whole weeks; of the calendar, no more than should be there. */
const WEEKS = `coalesce(expected.period_start, found.period_start) between $1::date - 6 and $2::date`;
const RANGES: Readonly<Record<string, string>> = {
  d_calendar: `expected.date_id is not null or ($1::date = '-infinity' and $2::date = 'infinity')`,
  f_customer_retention: WEEKS,
  f_customer_retention_by_item: WEEKS,
};

function definitionOf({ name, needs }: Kind, factsAreRight: boolean): string {
  const fact = factsAreRight
    ? 'fact as not materialized (select * from mart.f_sales)'
    : `fact as (${sql('verify/f_sales')})`;
  const staged = FEEDS.map(
    (feed) => `select '${feed.name}' as feed, load_date, is_history from staging.${feed.name}`,
  );
  const parts = {
    fact: [fact],
    categorised: [fact, `categorised as (${sql('verify/categorised')})`],
    staged: [`staged as (${staged.join(' union all ')})`],
  };
  return [...(needs ? parts[needs] : []), `expected as (${sql(`verify/${name}`)})`].join(', ');
}

/** Takes what differs away from a table of the mart, and puts in what its definition has. */
async function replaceRows(session: Session, kind: Kind, lock: string, range: DateRange): Promise<void> {
  const { table, key } = kind;
  await session.lock(martLock(lock));
  const isOfKey = key.map((name) => `former.${name} = difference.${name}`).join(' and ');
  await session.query(
    `${withDifference(kind, false)}
     delete from ${table} as former
     using difference
     where difference.difference <> 'missing' and ${isOfKey}`,
    boundsOf(range),
  );
  await session.query(
    `${withDifference(kind, false)}
     insert into ${table}
     select expected.*
     from expected
     inner join difference using (${key.join(', ')})
     where difference.difference = 'missing'`,
    boundsOf(range),
  );
}
