import type { z } from 'zod';
import type { LoadDate } from '../domain/load-date.ts';
import { DAY_STATE_PARAMETERS } from '../domain/feeds.ts';
import { planOf, type RunPlan } from './plan-run.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import {
  backfillDaysInput,
  backfillInput,
  checkedInput,
  countInput,
  loadDateInput,
  textInput,
} from '../domain/inputs.ts';

export interface BackfillPlan extends RunPlan {
  /** The next days, in order; few enough for one history. */
  days: LoadDate[];
  /** How many days are left, with those; as many when there are no further ones. */
  daysLeft: number;
}

export type BackfillDay = z.infer<typeof backfillDaysInput>[number];

/**
 * Checks the input of a backfill and lists its next days, from the database.
 * @throws InvalidInput
 */
export function planBackfill(dependencies: ActivityDependencies) {
  const { database } = dependencies;
  return async function planBackfill(input: unknown, maxDays: number): Promise<BackfillPlan> {
    checkedInput(countInput, maxDays);
    const { from, to, onlyMissing, options, daysPerRun, checkpoint } = checkedInput(backfillInput, input);
    if (!checkpoint) await database.query('backfill/begin', [currentRun().workflowId], cancellation());
    const limit = Math.min(daysPerRun ?? maxDays, maxDays);
    const rows = await database.query<{ load_date: LoadDate; days_left: number }>(
      'backfill/days',
      [checkpoint?.next ?? from, to, onlyMissing ?? false, limit, ...DAY_STATE_PARAMETERS],
      cancellation(),
    );
    const days = rows.map((row) => row.load_date);
    const daysLeft = rows[0]?.days_left ?? 0;
    return { days, daysLeft, ...(await planOf(dependencies, options)) };
  };
}

/** Records what became of some days, for the client, which reads it from the database. */
export function recordBackfillDays({ database }: ActivityDependencies) {
  return async function recordBackfillDays(days: BackfillDay[]): Promise<void> {
    const { workflowId } = currentRun();
    const checked = checkedInput(backfillDaysInput, days);
    await database.query('backfill/record', [workflowId, JSON.stringify(checked)], cancellation());
  };
}

/** Records that all days from `next` on failed, for one reason. Returns how many they are. */
export function failBackfillDays({ database }: ActivityDependencies) {
  return async function failBackfillDays(input: unknown, next: LoadDate, error: string): Promise<number> {
    const { to, onlyMissing } = checkedInput(backfillInput, input);
    checkedInput(loadDateInput, next);
    checkedInput(textInput, error);
    const [row] = await database.query<{ failed: number }>(
      'backfill/fail',
      [currentRun().workflowId, next, to, onlyMissing ?? false, ...DAY_STATE_PARAMETERS, error],
      cancellation(),
    );
    return row?.failed ?? 0;
  };
}
