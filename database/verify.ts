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
  /** sql/verify/<file>.sql: the definition of a table of the mart; of what `status` says of it, the rows that are wrong. */
  file: string;
  /** What stands for {of} in the file. */
  of?: string;
  key: readonly string[];
  /** Which rows of a table of the mart a range is about; undefined: the file has the rows that are wrong. */
  range?: string;
  /** Rows beyond the definition are right (contract, ruling 2). */
  mayHoldMore?: boolean;
  /** The table of the mart whose lock mending takes; undefined: nothing can be mended. */
  lock?: string;
  /** Where it is not to replace the rows that differ. */
  mend?: (session: Session) => Promise<void>;
}

const BY_LOAD_DATE = 'expected.load_date between $1 and $2 or found.load_date between $1 and $2';
/** Whole weeks. */
const BY_WEEK = 'coalesce(expected.period_start, found.period_start) between $1::date - 6 and $2::date';

const FACTS: Kind = {
  table: 'mart.f_sales',
  file: 'f_sales',
  key: ['uniq_id', 'status'],
  range: BY_LOAD_DATE,
  lock: 'f_sales',
};

const CALENDAR: Kind = {
  table: 'mart.d_calendar',
  file: 'd_calendar',
  key: ['date_id'],
  // A date that no fact of the range has can be right.
  range: `expected.date_id is not null or ($1::date = '-infinity' and $2::date = 'infinity')`,
  lock: 'f_sales',
};

const STAGED: Kind = {
  table: 'staging.file_load.rows_kept',
  file: 'staged_rows',
  key: ['load_date', 'file'],
};

const SHOWN: Kind = {
  table: 'staging.file_load.mart_delivery_number',
  file: 'shown',
  key: ['load_date', 'file'],
  lock: 'f_sales',
  // A delivery of these dates that is staged meanwhile waits for this transaction, and is then not shown.
  mend: async (session) => {
    await session.run('verify/mend_shown');
    for (const kind of [FACTS, CALENDAR]) await replaceRows(session, kind, {});
  },
};

const KINDS: readonly Kind[] = [
  FACTS,
  CALENDAR,
  ...['city', 'item'].map((of) => ({
    table: `mart.d_${of}`,
    file: 'names',
    of,
    key: [`${of}_id`],
    range: 'true',
    mayHoldMore: true,
    lock: `d_${of}`,
  })),
  {
    table: 'mart.d_customer',
    file: 'd_customer',
    key: ['customer_id'],
    range: BY_LOAD_DATE,
    mayHoldMore: true,
    lock: 'd_customer',
  },
  { table: 'mart.f_customer_retention', file: 'retention', of: '', key: ['period_id'], range: BY_WEEK },
  {
    table: 'mart.f_customer_retention_by_item',
    file: 'retention',
    of: 'item_id,',
    key: ['period_id', 'item_id'],
    range: BY_WEEK,
  },
  {
    table: 'staging.day_load.revenue',
    file: 'day_load',
    key: ['load_date', 'is_history'],
    lock: 'f_sales',
    mend: async (session) => {
      await session.query(
        `update staging.day_load as day set revenue = wrong.revenue from (${sql('verify/day_load')}) as wrong
         where day.load_date = wrong.load_date and day.is_history = wrong.is_history`,
      );
    },
  },
  STAGED,
  SHOWN,
];

/** Begun first, the last one before all, so that two connections have as much to do. */
const LONGEST = ['mart.f_customer_retention', 'mart.f_sales', 'mart.f_customer_retention_by_item'];

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
      const waiting = [...kinds].sort((a, b) => LONGEST.indexOf(b.table) - LONGEST.indexOf(a.table));
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
    if (!isWhole || !isAmong(all, FACTS)) return all;
    note('Facts differ: what is made of them is compared with staging itself.');
    const isOfFacts = ({ file }: Kind) => /\bfrom fact\b/.test(sql(`verify/${file}`));
    return await compare(KINDS.filter(isOfFacts), false);
  });
}

/** Whether staging itself has not the rows that were loaded: then the mart cannot be mended by it. */
export function isStagingDamaged(found: readonly Difference[]): boolean {
  return isAmong(found, STAGED);
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

function isAmong(found: readonly Difference[], kind: Kind): boolean {
  return found.some(({ table }) => table === kind.table);
}

/** Mends what differs in a range, one transaction a table, under the locks of loads; what is right meanwhile stays. */
export async function repair(
  database: Database,
  found: readonly Difference[],
  range: DateRange,
  note: (line: string) => void,
): Promise<void> {
  for (const kind of KINDS) {
    const { table, lock, mend = (session: Session) => replaceRows(session, kind, range) } = kind;
    if (lock === undefined || !isAmong(found, kind)) continue;
    note(`${table}: being mended`);
    await database.transaction(async (session) => {
      await session.lock(martLock(lock));
      await session.lockShared(NAMES_LOCK);
      await mend(session);
    });
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
 * The common table expressions `expected`, the definition of a table, and `difference`. Facts that are right are read from
 * the mart, which is several times faster than to pick them from staging once more.
 */
function withDifference(kind: Kind, factsAreRight: boolean): string {
  const { table, file, of = '', key, range, mayHoldMore } = kind;
  const staged = FEEDS.map(
    ({ name }) => `select '${name}' as feed, load_date, is_history from staging.${name}`,
  );
  const [first = ''] = key;
  return `with range as (select $1::date as first_date, $2::date as last_date),
    fact as ${factsAreRight ? 'not materialized (select * from mart.f_sales)' : `(${sql('verify/f_sales')})`},
    staged as (${staged.join(' union all ')}),
    expected as (${sql(`verify/${file}`).replaceAll('{of}', of)}),
    difference as materialized (${
      range === undefined
        ? `select *, concat_ws(' ', ${key.join(', ')}) as key from expected where load_date between $1 and $2`
        : `select
             case when found.${first} is null then 'missing' when expected.${first} is null then 'extra' else 'different' end
               as difference,
             concat_ws(' ', ${key.join(', ')}) as key,
             ${key.join(', ')}
           from expected
           full join (select * from ${table}) as found using (${key.join(', ')})
           where (${range})
             and row(expected.*) is distinct from row(found.*)
             ${mayHoldMore ? `and expected.${first} is not null` : ''}`
    })`;
}

/** Takes what differs away from a table of the mart, and puts in what its definition has. */
async function replaceRows(session: Session, kind: Kind, range: DateRange): Promise<void> {
  const { table, key } = kind;
  const isOfKey = key.map((name) => `former.${name} = difference.${name}`).join(' and ');
  await session.query(
    `${withDifference(kind, false)}
     delete from ${table} as former using difference where difference <> 'missing' and ${isOfKey}`,
    boundsOf(range),
  );
  await session.query(
    `${withDifference(kind, false)}
     insert into ${table}
     select expected.*
     from expected
     inner join difference using (${key.join(', ')})
     where difference = 'missing'`,
    boundsOf(range),
  );
}
