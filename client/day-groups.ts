import { addDays, type LoadDate } from '../domain/load-date.ts';

/** Consecutive days that belong together. */
export interface Group<D> {
  from: LoadDate;
  to: LoadDate;
  days: [D, ...D[]];
}

/** Expects the days in order. */
export function groupDays<D extends { date: LoadDate }>(
  days: readonly D[],
  belongs: (day: D, first: D) => boolean = () => true,
): Group<D>[] {
  const groups: Group<D>[] = [];
  for (const day of days) {
    const { date } = day;
    const group = groups.at(-1);
    if (group && addDays(group.to, 1) === date && belongs(day, group.days[0])) {
      group.days.push(day);
      group.to = date;
    } else groups.push({ from: date, to: date, days: [day] });
  }
  return groups;
}

/** `2024-03-01 to 2024-03-04` */
export function rangeText({ from, to }: { from: LoadDate; to: LoadDate }): string {
  return from === to ? from : `${from} to ${to}`;
}

const MAX_LISTED = 20;

/** The first lines, then one with the number of lines left out. */
export function firstOf(lines: readonly string[]): string[] {
  if (lines.length <= MAX_LISTED) return [...lines];
  return [...lines.slice(0, MAX_LISTED), `… and ${lines.length - MAX_LISTED} more (--json lists all)`];
}
