import type { RunOptions } from '../domain/day.ts';
import { failure } from '../domain/failures.ts';
import { addDays, dayOf, isLoadDate, type LoadDate } from '../domain/load-date.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface PlanRequest {
  loadDate?: LoadDate;
  options?: Partial<RunOptions>;
  /** For a scheduled run: ISO instant at which it was due, and how its load date follows from it. */
  scheduled?: { at: string; timeZone: string; offsetDays: number };
}

export interface RunPlan {
  loadDate: LoadDate;
  options: RunOptions;
}

/** Settles which date a run loads and with which options; what the start did not say comes from this worker. */
export function planRun({ defaultRunOptions }: ActivityDependencies) {
  return async function planRun(request: PlanRequest): Promise<RunPlan> {
    const { loadDate = dateOfSchedule(request), options } = request;
    if (!isLoadDate(loadDate)) {
      throw failure('InvalidInput', `loadDate is "${loadDate}"; expected a day like 2024-02-25.`);
    }
    return Promise.resolve({ loadDate, options: { ...defaultRunOptions, ...options } });
  };
}

function dateOfSchedule({ scheduled }: PlanRequest): LoadDate {
  if (!scheduled)
    throw failure('InvalidInput', 'The input has no loadDate; expected {"loadDate": "2024-02-25"}.');
  return addDays(dayOf(new Date(scheduled.at), scheduled.timeZone), -scheduled.offsetDays);
}
