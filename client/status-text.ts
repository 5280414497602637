import { loadCommand } from '../domain/load-command.ts';
import { MAX_LOAD_DATE, type LoadDate } from '../domain/load-date.ts';
import { firstOf, groupDays, rangeText } from './day-groups.ts';
import { remainingFiles } from './day-status.ts';
import type { DayState, DayStatus, Status } from '../schemas/documents.ts';
import { plainTable } from './files-table.ts';

const MIN_COLLAPSED_DAYS = 4;

const DONE: ReadonlySet<DayState> = new Set(['loaded', 'no_increment', 'running']);

/**
 * Gaps are days that are neither loaded nor without an increment; consecutive days in the same state form one.
 * @param newestDue later days are not missing yet
 */
export function statusDocument(days: DayStatus[], newestDue: LoadDate = MAX_LOAD_DATE): Status {
  const totals = { loaded: 0, no_increment: 0, missing: 0, failed: 0, running: 0, stale: 0 };
  for (const { state } of days) totals[state] += 1;
  const open = days.filter(
    ({ date, state }) => !DONE.has(state) && (state !== 'missing' || date <= newestDue),
  );
  const groups = groupDays(open, (day, first) => day.state === first.state);
  const [first, last] = [groups[0], groups.at(-1)];
  return {
    from: days[0]?.date ?? null,
    to: days.at(-1)?.date ?? null,
    totals,
    gaps: groups.map(({ from, to, days: [{ state }, ...others] }) => ({
      from,
      to,
      state,
      days: 1 + others.length,
    })),
    load_gaps: first && last ? loadCommand(first.from, last.to) : null,
    days,
  };
}

/** Totals and gaps first, then the days, as a table or as a calendar, then what to know of each, and what to do. */
export function statusText({ days, gaps, totals, load_gaps }: Status, asCalendar = false): string {
  if (days.length === 0) return 'Nothing is loaded yet: npm run client -- run';
  const counts = Object.entries(totals).filter(([, count]) => count > 0);
  const listed = counts.map(([state, count]) => `${count} ${state}`).join(', ');
  const ranges = firstOf(gaps.map((gap) => `${rangeText(gap)} ${gap.state}`)).join('; ');
  return [
    `${days.length} day${days.length === 1 ? '' : 's'}: ${listed}. ${ranges ? `Gaps: ${ranges}.` : 'No gaps.'}`,
    asCalendar ? calendar(days) : table(days),
    ...days.flatMap(remarks),
    ...(load_gaps === null ? [] : [`Load the gaps: ${load_gaps}`]),
  ].join('\n');
}

function table(days: readonly DayStatus[]): string {
  const head = ['date', 'state', 'rows read', 'kept', 'rejected', 'revenue', 'finished', 'run'];
  const rows = plainTable(head, 2);
  for (const group of groupDays(days, (day, first) => isUntried(day) && isUntried(first))) {
    const { length } = group.days;
    // A long run of days without a run is one line.
    if (length >= MIN_COLLAPSED_DAYS)
      rows.push([`${group.from} …`, 'missing', '', '', '', '', '', `${length} days to ${group.to}`]);
    else rows.push(...group.days.map(tableRow));
  }
  return rows.toString();
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
function calendar(days: readonly DayStatus[]): string {
  const months = new Map<string, string>();
  for (const { date, state } of days) {
    const month = date.slice(0, 7);
    const line = months.get(month) ?? '';
    months.set(month, line.padEnd(Number(date.slice(8)) - 1) + SIGNS[state]);
  }
  const legend = Object.entries(SIGNS).map(([state, sign]) => `${sign} ${state}`);
  const ruler = '1234567890'.repeat(4).slice(0, 31);
  const lines = [...months].map(([month, line]) => `${month}  ${line}`);
  return [`         ${ruler}`, ...lines, legend.join('  ')].join('\n');
}

/** What an operator should know about a day. */
function remarks(day: DayStatus): string[] {
  const { state, error, next, accepted_missing: accepted, rows_rejected: rejected, warnings } = day;
  const remaining = state === 'no_increment' ? [] : remainingFiles(day);
  const found = [
    (error !== null || state === 'stale') && `${state}: ${[error, next].filter(Boolean).join(' ')}`,
    remaining.length > 0 && `${state}: needs ${remaining.join(', ')}`,
    accepted.length > 0 && `accepted without ${accepted.join(', ')}`,
    rejected > 0 && `rejected ${rejected} row${rejected === 1 ? '' : 's'}: see staging.rejected_row`,
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  return found.filter((remark) => remark !== false).map((remark) => `${day.date} ${remark}`);
}
