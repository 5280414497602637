import type { DayState, DayStatus } from './day-status.ts';
import { plainTable } from './files-table.ts';

/** Days in a row of which somebody has to do something. */
export interface Gap {
  from: string;
  to: string;
  state: DayState;
  days: number;
}

const LONG_GAP_DAYS = 4;

const DONE: ReadonlySet<DayState> = new Set(['loaded', 'no_increment', 'running']);

export function totalsOf(days: DayStatus[]): Record<DayState, number> {
  const totals = { loaded: 0, no_increment: 0, missing: 0, failed: 0, running: 0, stale: 0 };
  for (const { state } of days) totals[state] += 1;
  return totals;
}

/** The days that are neither loaded nor known to have no increment, neighbours of one state together. */
export function gapsOf(days: DayStatus[]): Gap[] {
  const gaps: Gap[] = [];
  let previous: DayState | undefined;
  for (const { date, state } of days) {
    const last = gaps.at(-1);
    if (!DONE.has(state) && last && previous === state) {
      last.to = date;
      last.days += 1;
    } else if (!DONE.has(state)) {
      gaps.push({ from: date, to: date, state, days: 1 });
    }
    previous = state;
  }
  return gaps;
}

/** Totals and gaps first, then every day, then what to do. */
export function statusTable(days: DayStatus[]): string {
  const table = plainTable(
    ['date', 'state', 'rows read', 'kept', 'rejected', 'revenue', 'finished', 'run'],
    2,
  );
  for (const day of withoutLongGaps(days)) {
    if ('days' in day) {
      table.push([`${day.from} …`, day.state, '', '', '', '', '', `${day.days} days to ${day.to}`]);
      continue;
    }
    const { date, state, rows_read, rows_kept, rows_rejected, revenue, finished_at, workflow_id } = day;
    const finished = finished_at?.slice(0, 16).replace('T', ' ') ?? '';
    table.push([
      date,
      state,
      rows_read,
      rows_kept,
      rows_rejected,
      revenue ?? '',
      finished,
      workflow_id ?? '',
    ]);
  }
  return [summary(days), table.toString(), ...remarks(days)].join('\n');
}

/** A long row of days that nobody has tried is one line. */
function withoutLongGaps(days: DayStatus[]): (DayStatus | Gap)[] {
  const long = gapsOf(days).filter((gap) => gap.state === 'missing' && gap.days >= LONG_GAP_DAYS);
  return days.flatMap<DayStatus | Gap>((day) => {
    const gap = long.find(({ from, to }) => from <= day.date && day.date <= to);
    if (!gap) return [day];
    return gap.from === day.date ? [gap] : [];
  });
}

const SIGNS: Record<DayState, string> = {
  loaded: '█',
  no_increment: '·',
  missing: '?',
  failed: 'X',
  running: '>',
  stale: '~',
};

/** One line a month, one sign a day. */
export function statusCalendar(days: DayStatus[]): string {
  const months = new Map<string, string[]>();
  for (const { date, state } of days) {
    const month = date.slice(0, 7);
    const line = months.get(month) ?? Array.from({ length: 31 }, () => ' ');
    line[Number(date.slice(8)) - 1] = SIGNS[state];
    months.set(month, line);
  }
  const legend = Object.entries(SIGNS).map(([state, sign]) => `${sign} ${state}`);
  const ruler = Array.from({ length: 31 }, (_, index) => String((index + 1) % 10)).join('');
  const lines = [...months].map(([month, line]) => `${month}  ${line.join('').trimEnd()}`);
  return [summary(days), `         ${ruler}`, ...lines, legend.join('  '), ...remarks(days)].join('\n');
}

function summary(days: DayStatus[]): string {
  const totals = Object.entries(totalsOf(days)).filter(([, count]) => count > 0);
  const counts = totals.map(([state, count]) => `${count} ${state}`).join(', ');
  const gaps = gapsOf(days).map(
    ({ from, to, state }) => `${from === to ? from : `${from} to ${to}`} ${state}`,
  );
  return `${days.length} day${days.length === 1 ? '' : 's'}: ${counts}. ${gaps.length === 0 ? 'No gaps.' : `Gaps: ${gaps.join('; ')}.`}`;
}

function remarks(days: DayStatus[]): string[] {
  const problems = days.filter(({ state }) => state === 'failed' || state === 'stale');
  return [
    ...problems.map(
      ({ date, state, error, next }) => `${date} ${state}: ${[error, next].filter(Boolean).join(' ')}`,
    ),
    ...days.flatMap(({ date, rows_rejected }) =>
      rows_rejected > 0 ? [`${date} rejected ${rows_rejected} rows: see staging.rejected_row`] : [],
    ),
    ...days.flatMap(({ date, warnings }) => warnings.map((warning) => `${date} warning: ${warning}`)),
    ...days.flatMap(({ date, accepted_missing: files }) =>
      files.length > 0 ? [`${date} was accepted without ${files.join(', ')}`] : [],
    ),
  ];
}
