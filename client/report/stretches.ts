import type { LoadDate } from '../../domain/load-date.ts';
import type { DayState, DayStatus } from '../day-status.ts';

/** Days on end of one state, in one line of the table; a day with an error of its own has its own line. */
export interface Stretch {
  first: LoadDate;
  last: LoadDate;
  state: DayState;
  days: number;
  kept: number;
  rejected: number;
  wrong: string;
}

export function stretchesOf(days: readonly DayStatus[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const day of days) {
    const current = stretches.at(-1);
    if (current?.state === day.state && day.error === null) {
      current.last = day.date;
      current.days += 1;
      current.kept += day.rows_kept;
      current.rejected += day.rows_rejected;
      continue;
    }
    stretches.push({
      first: day.date,
      last: day.date,
      state: day.state,
      days: 1,
      kept: day.rows_kept,
      rejected: day.rows_rejected,
      wrong: [day.error, day.next].filter(Boolean).join(' '),
    });
  }
  return stretches.map((stretch) =>
    stretch.state === 'missing' ? { ...stretch, wrong: loadThem(stretch) } : stretch,
  );
}

function loadThem({ first, last }: Stretch): string {
  return first === last
    ? `Run the day: npm run client -- run --date ${first}`
    : `Load them: npm run client -- backfill --from ${first} --to ${last}`;
}
