import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';

/** Set by the server on every run that a schedule starts. */
const SCHEDULED_START_TIME = defineSearchAttributeKey(
  'TemporalScheduledStartTime',
  SearchAttributeType.DATETIME,
);

/** ISO instant at which a scheduled run was due: not when it started, which may be days later after an outage. */
export function dueAt(): string {
  return scheduledAt() ?? workflowInfo().startTime.toISOString();
}

/** ISO instant at which a schedule was due to start this run; undefined for any other run. */
export function scheduledAt(): string | undefined {
  return workflowInfo().typedSearchAttributes.get(SCHEDULED_START_TIME)?.toISOString();
}
