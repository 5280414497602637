import type { DayOutcome } from '../domain/day.ts';
import type { LoadDate } from '../domain/load-date.ts';
import { INCREMENT_FILES } from '../domain/feeds.ts';
import { planOf, type RunPlan } from './plan-run.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { backfillInput, checkedInput } from './inputs.ts';

export interface BackfillPlan extends RunPlan {
  /** The next days, in order; few enough for one history. */
  days: LoadDate[];
  /** There are no further days. */
  isLast: boolean;
}

export interface BackfillDay {
  date: LoadDate;
  outcome: DayOutcome | 'failed';
  error: string | null;
}

/**
 * Checks the input of a backfill and lists its next days, from the database.
 * @throws InvalidInput
 */
export function planBackfill(dependencies: ActivityDependencies) {
  const { database } = dependencies;
  return async function planBackfill(input: unknown, maxDays: number): Promise<BackfillPlan> {
    const { from, to, onlyMissing, options, daysPerRun, checkpoint } = checkedInput(backfillInput, input);
    if (!checkpoint) await database.query('backfill/begin', [currentRun().workflowId], cancellation());
    const limit = Math.min(daysPerRun ?? maxDays, maxDays);
    const rows = await database.query<{ load_date: LoadDate }>(
      'backfill/days',
      [checkpoint?.next ?? from, to, onlyMissing ?? false, limit, ...INCREMENT_FILES],
      cancellation(),
    );
    const days = rows.map((row) => row.load_date);
    return { days, isLast: days.length < limit, ...(await planOf(dependencies, options)) };
  };
}

/** Records what became of some days, for the client, which reads it from the database. */
export function recordBackfillDays({ database }: ActivityDependencies) {
  return async function recordBackfillDays(days: BackfillDay[]): Promise<void> {
    const { workflowId } = currentRun();
    await database.query('backfill/record', [workflowId, JSON.stringify(days)], cancellation());
  };
}

/** Records that all days from `next` on failed, for one reason. Returns how many they are. */
export function failBackfillDays({ database }: ActivityDependencies) {
  return async function failBackfillDays(input: unknown, next: LoadDate, error: string): Promise<number> {
    const { to, onlyMissing } = checkedInput(backfillInput, input);
    const [row] = await database.query<{ failed: number }>(
      'backfill/fail',
      [currentRun().workflowId, next, to, onlyMissing ?? false, ...INCREMENT_FILES, error],
      cancellation(),
    );
    return row?.failed ?? 0;
  };
}
