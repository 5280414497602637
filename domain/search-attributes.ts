import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** Custom search attributes; where they are not registered, runs go on without them. */
export const LOAD_DATE = defineSearchAttributeKey('SalesLoadDate', SearchAttributeType.KEYWORD);
export const OUTCOME = defineSearchAttributeKey('SalesOutcome', SearchAttributeType.KEYWORD);
export const RUN_KIND = defineSearchAttributeKey('SalesRunKind', SearchAttributeType.KEYWORD);

export type RunKind = 'run' | 'schedule' | 'backfill' | 'backfill-day' | 'history';
