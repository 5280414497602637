import { MAX_LOAD_DATE, type LoadDate } from '../domain/load-date.ts';
import { firstOf, groupDays, rangeText } from './day-groups.ts';
import { remainingFiles } from './day-status.ts';
import type { DayState, DayStatus, Gap } from '../schemas/documents.ts';
import { plainTable } from './files-table.ts';

const MIN_COLLAPSED_DAYS = 4;

const DONE: ReadonlySet<DayState> = new Set(['loaded', 'no_increment', 'running']);

export function totalsOf(days: readonly DayStatus[]): Record<DayState, number> {
  const totals = { loaded: 0, no_increment: 0, missing: 0, failed: 0, running: 0, stale: 0 };
  for (const { state } of days) totals[state] += 1;
  return totals;
}

/**
 * The days that are neither loaded nor without an increment; consecutive days in the same state form one gap.
 * @param newestDue later days are not missing yet
 */
export function gapsOf(days: readonly DayStatus[], newestDue: LoadDate = MAX_LOAD_DATE): Gap[] {
  const open = days.filter(
    ({ date, state }) => !DONE.has(state) && (state !== 'missing' || date <= newestDue),
  );
  return groupDays(open, (day, previous) => day.state === previous.state).map((group) => ({
    from: group[0].date,
    to: group.at(-1)?.date ?? group[0].date,
    state: group[0].state,
    days: group.length,
  }));
}

/** Totals and gaps first, then every day, then what to do. */
export function statusTable(days: readonly DayStatus[], gaps: readonly Gap[]): string {
  const table = plainTable(
    ['date', 'state', 'rows read', 'kept', 'rejected', 'revenue', 'finished', 'run'],
    2,
  );
  for (const group of groupDays(days, (day, previous) => isUntried(day) && isUntried(previous))) {
    const [{ date, state }] = group;
    // A long run of days without a run is one line.
    if (group.length >= MIN_COLLAPSED_DAYS)
      table.push([
        `${date} …`,
        state,
        '',
        '',
        '',
        '',
        '',
        `${group.length} days to ${group.at(-1)?.date ?? ''}`,
      ]);
    else table.push(...group.map(tableRow));
  }
  return [summary(days, gaps), table.toString(), ...remarks(days)].join('\n');
}

function isUntried({ state, workflow_id }: DayStatus): boolean {
  return state === 'missing' && workflow_id === null;
}

function tableRow(day: DayStatus): (string | number)[] {
  return [
    day.date,
    day.state,
    day.rows_read,
    day.rows_kept,
    day.rows_rejected,
    day.revenue ?? '',
    day.finished_at?.slice(0, 16).replace('T', ' ') ?? '',
    day.workflow_id ?? '',
  ];
}

const SIGNS: Record<DayState, string> = {
  loaded: '█',
  no_increment: '·',
  missing: '?',
  failed: 'X',
  running: '>',
  stale: '~',
};

/** One line per month, one character per day. */
export function statusCalendar(days: readonly DayStatus[], gaps: readonly Gap[]): string {
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
  return [summary(days, gaps), `         ${ruler}`, ...lines, legend.join('  '), ...remarks(days)].join('\n');
}

function summary(days: readonly DayStatus[], gaps: readonly Gap[]): string {
  const totals = Object.entries(totalsOf(days)).filter(([, count]) => count > 0);
  const counts = totals.map(([state, count]) => `${count} ${state}`).join(', ');
  const ranges = firstOf(
    gaps.map(({ from, to, state }) => `${rangeText([{ date: from }, { date: to }])} ${state}`),
  );
  return `${days.length} day${days.length === 1 ? '' : 's'}: ${counts}. ${gaps.length === 0 ? 'No gaps.' : `Gaps: ${ranges.join('; ')}.`}`;
}

function remarks(days: readonly DayStatus[]): string[] {
  return days.flatMap((day) => remarksOf(day).map((remark) => `${day.date} ${remark}`));
}

/** What an operator should know about a day. */
export function remarksOf(day: DayStatus): string[] {
  const { state, error, next, accepted_missing, rows_rejected, warnings } = day;
  const remaining = state === 'no_increment' ? [] : remainingFiles(day);
  return [
    ...(error !== null || state === 'stale' ? [`${state}: ${[error, next].filter(Boolean).join(' ')}`] : []),
    ...(remaining.length > 0 ? [`${state}: needs ${remaining.join(', ')}`] : []),
    ...(accepted_missing.length > 0 ? [`accepted without ${accepted_missing.join(', ')}`] : []),
    ...(rows_rejected > 0
      ? [`rejected ${rows_rejected} row${rows_rejected === 1 ? '' : 's'}: see staging.rejected_row`]
      : []),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
}
