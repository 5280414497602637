import { addDays, type LoadDate } from '../domain/load-date.ts';

interface Dated {
  date: LoadDate;
}

/** Groups consecutive days that belong together. Expects the days in order. */
export function groupDays<D extends Dated>(
  days: readonly D[],
  belongs: (day: D, previous: D) => boolean = () => true,
): [D, ...D[]][] {
  const groups: [D, ...D[]][] = [];
  for (const day of days) {
    const group = groups.at(-1);
    const previous = group?.at(-1);
    if (previous && addDays(previous.date, 1) === day.date && belongs(day, previous)) group?.push(day);
    else groups.push([day]);
  }
  return groups;
}

/** `2024-03-01 to 2024-03-04` */
export function rangeText(days: readonly Dated[]): string {
  const [first, last] = [days[0]?.date ?? '', days.at(-1)?.date ?? ''];
  return first === last ? first : `${first} to ${last}`;
}

const MAX_LISTED = 20;

/** The first lines, then one with the number of lines left out. */
export function firstOf(lines: readonly string[]): string[] {
  if (lines.length <= MAX_LISTED) return [...lines];
  return [...lines.slice(0, MAX_LISTED), `… and ${lines.length - MAX_LISTED} more (--json lists all)`];
}
