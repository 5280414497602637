import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import type { PlanRequest, RunPlan } from '../../activities/plan-run.ts';
import type { RunOptions } from '../../domain/day.ts';
import { isLoadDate } from '../../domain/load-date.ts';
import type { SalesIncrementInput } from '../inputs.ts';
import { databaseSteps } from './activity-options.ts';

/** Set by the server on every run that a schedule starts. */
const DUE = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

/** The date and the options of a run; a worker is asked only for what the start did not say. */
export async function planRun({ loadDate, options, schedule }: SalesIncrementInput): Promise<RunPlan> {
  if (loadDate !== undefined && isLoadDate(loadDate) && isComplete(options)) return { loadDate, options };
  const request: PlanRequest = { ...(options && { options }) };
  if (loadDate !== undefined) request.loadDate = loadDate;
  else if (schedule) request.scheduled = { at: dueAt().toISOString(), ...schedule };
  return await databaseSteps.planRun.executeWithOptions({ summary: 'settles date and options' }, [request]);
}

/** The options alone, for a run that has no date of its own. */
export async function planOptions(options: Partial<RunOptions> | undefined): Promise<RunOptions> {
  if (isComplete(options)) return options;
  const summary = 'settles the options';
  // Any date serves: only the options are asked for.
  const request = { loadDate: '2000-01-01', ...(options && { options }) };
  return (await databaseSteps.planRun.executeWithOptions({ summary }, [request])).options;
}

/** When a scheduled run was due: not when it started, which may be days later after an outage. */
function dueAt(): Date {
  const { typedSearchAttributes, startTime } = workflowInfo();
  return typedSearchAttributes.get(DUE) ?? startTime;
}

const COMPLETE: Record<keyof RunOptions, true> = {
  reportPollIntervalMs: true,
  reportTimeoutMs: true,
  filesTimeoutMs: true,
  optionalFiles: true,
  maxRejectedShare: true,
  lateAfterMs: true,
};

function isComplete(options: Partial<RunOptions> | undefined): options is RunOptions {
  return options !== undefined && Object.keys(COMPLETE).every((name) => Object.hasOwn(options, name));
}
