import type { z } from 'zod';
import type { backfillInput, checkpointInput, incrementInput } from '../domain/inputs.ts';

/** What a run knows already when it continues as new, which it does before its history gets long. */
export type Checkpoint = z.infer<typeof checkpointInput>;

/** The input of the workflow `salesIncrement`; `{"loadDate": "2024-02-25"}` is enough, from the UI for instance. */
export type SalesIncrementInput = z.infer<typeof incrementInput>;

/** The input of the workflow `salesHistory`; `{}` is enough. The report of its checkpoint is a `Report`. */
export type SalesHistoryInput = Pick<SalesIncrementInput, 'options' | 'checkpoint'>;

/** The input of the workflow `salesBackfill`. */
export type SalesBackfillInput = z.infer<typeof backfillInput>;

export type BackfillCheckpoint = NonNullable<SalesBackfillInput['checkpoint']>;
export type BackfillCounts = BackfillCheckpoint['counts'];
