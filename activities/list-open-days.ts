import type { LoadDate } from '../domain/load-date.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** The dates of a range that are not loaded: never tried, failed, or staged without the mart. */
export function listOpenDays({ database }: ActivityDependencies) {
  return async function listOpenDays(from: LoadDate, to: LoadDate): Promise<LoadDate[]> {
    const rows = await database.query<{ load_date: LoadDate }>(
      'status/open_days',
      [from, to],
      cancellation(),
    );
    return rows.map((row) => row.load_date);
  };
}
