import { Context } from '@temporalio/activity';
import { loadDateOfRun } from '../domain/due-days.ts';
import type { RunOptions } from '../domain/run-options.ts';
import type { LoadDate } from '../domain/load-date.ts';
import type { z } from 'zod';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, historyInput, incrementInput } from '../domain/inputs.ts';
import { hasSearchAttributes } from '../runtime/search-attributes.ts';

/** What a run works with, whatever its input left open. */
export interface RunPlan {
  options: RunOptions;
  /** Whether the namespace has the custom search attributes. */
  tagged: boolean;
  /** Whether alerts are sent to a webhook. */
  hasWebhook: boolean;
}

export type DayPlan = RunPlan & { loadDate: LoadDate };

/**
 * Checks the input of a day's run and settles its date and options.
 * @param due ISO instant at which a scheduled run was due
 * @throws InvalidInput
 */
export function planDay(dependencies: ActivityDependencies) {
  return async function planDay(input: unknown, due: string): Promise<DayPlan> {
    const checked = checkedInput(incrementInput, input);
    return { loadDate: loadDateOf(checked, due), ...(await planOf(dependencies, checked.options)) };
  };
}

/** The same for a run that loads history, whose date is known when its report is. */
export function planHistory(dependencies: ActivityDependencies) {
  return async function planHistory(input: unknown): Promise<RunPlan> {
    const { options } = checkedInput(historyInput, input);
    return await planOf(dependencies, options);
  };
}

export async function planOf(
  { defaultRunOptions, alerts }: ActivityDependencies,
  given: Partial<RunOptions> = {},
): Promise<RunPlan> {
  return {
    options: { ...defaultRunOptions, ...given },
    // To set one that the namespace does not have would block the workflow.
    tagged: await hasSearchAttributes(Context.current().client),
    hasWebhook: alerts.webhookUrl !== undefined,
  };
}

function loadDateOf({ loadDate, schedule }: z.output<typeof incrementInput>, due: string): LoadDate {
  if (loadDate !== undefined) return loadDate;
  if (!schedule) return checkedInput(incrementInput.required({ loadDate: true }), {}).loadDate;
  return loadDateOfRun(schedule, new Date(due));
}
