import { z } from 'zod';
import { RUN_OPTIONS } from '../domain/run-options.ts';
import { snakeCase } from '../domain/text.ts';

/**
 * Every document that the client prints with `--json`, once: `schemas/*.schema.json` are generated from
 * it, and the commands are typed by it. They import types only, since zod would slow their start.
 */

/** Strict: a misspelled or undocumented field is a fault. */
function object<S extends z.ZodRawShape>(id: string, description: string, shape: S) {
  return z.strictObject(shape).meta({ id, description });
}

const date = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/)
  .meta({ id: 'Date', description: 'A day, YYYY-MM-DD.' });
const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .meta({ id: 'Instant', description: 'An instant in UTC, ISO 8601 with milliseconds.' });
const count = z.int().min(0).meta({ id: 'Count' });
const milliseconds = z.int().min(0).meta({ id: 'Milliseconds', description: 'A duration in milliseconds.' });
const share = z.number().min(0).max(1);
const texts = z.array(z.string());
const command = z.string().nullable();

const error = z.string().describe('What went wrong, as a sentence.');
const next = z.string().nullable().describe('What the operator does next.');
const warnings = texts.describe('What an operator should know although the day is loaded.');
const workflow_id = z.string().describe('Temporal workflow id.');
const run_id = z.string().describe('Temporal run id.');

const failure = object(
  'Failure',
  'The command failed (exit code 1), or its usage or settings are wrong (exit code 2).',
  { error, faults: texts.optional().describe('Each setting that cannot be used, and why.') },
);

const migrated = object('Migrated', 'The database schema is at its newest version.', {
  version: count,
  applied: texts.describe('Migrations that were applied now.'),
});

const searchAttributes = object('SearchAttributes', 'The search attributes are registered.', {
  registered: texts,
  added: texts.describe('Those that were registered now.'),
});

const fileCounts = object('FileCounts', 'Row counts of a file.', {
  rows_read: count.describe('Rows in the file.'),
  rows_kept: count.describe('Rows staged.'),
  rows_duplicate: count.describe('Rows dropped because another row with their key is newer.'),
  rows_rejected: count.describe('Rejected rows; each is in staging.rejected_row.'),
});

const loadedRun = object('LoadedRun', 'The run succeeded.', {
  date: date.describe('The load date; of history, its start day.'),
  outcome: z
    .enum(['loaded', 'partial', 'no_increment'])
    .describe(
      '`partial`: files of the date are still missing; `no_increment`: the report API has none for it.',
    ),
  files: z.record(z.string(), fileCounts).describe('By file name.'),
  warnings,
  workflow_id,
  run_id,
  error: z.null(),
  joined: z
    .strictObject({ workflow_id, run_id })
    .optional()
    .describe('The run that loaded the date while this one waited for it.'),
});

const failedRun = object('FailedRun', 'The run failed or could not be started (exit code 1).', {
  date: date.nullable().describe('Null for history.'),
  outcome: z.literal('failed'),
  files: z.strictObject({}),
  workflow_id: workflow_id.nullable().describe('Null when the run could not be started.'),
  run_id: run_id.nullable(),
  error,
  next,
});

const backfill = object(
  'Backfill',
  'The backfill has ended (exit code 1 when it, or one of its days, failed).',
  {
    from: date,
    to: date,
    loaded: z.array(date),
    no_increment: z.array(date).describe('Days for which the report API has no increment.'),
    failed: z.array(z.strictObject({ date, error })),
    workflow_id,
    run_id: run_id.nullable(),
    error: error.nullable().describe('Why the backfill failed; null when at most single days did.'),
  },
);

const backfillControl = object('BackfillControl', 'The answer to `--pause`, `--resume` or `--cancel`.', {
  from: date,
  to: date,
  workflow_id,
  answer: z.string(),
});

const dayState = z
  .enum(['loaded', 'no_increment', 'missing', 'failed', 'running', 'stale'])
  .meta({ id: 'DayState', description: '`stale`: staged data is not in the mart yet.' });

const dayStatus = object('DayStatus', 'A day; row counts are over all its files.', {
  date,
  state: dayState,
  error: error.nullable(),
  error_type: z.string().nullable().describe('Type of the failure: docs/runbook.md.'),
  next,
  rows_read: count,
  rows_kept: count,
  rows_duplicate: count,
  rows_rejected: count,
  revenue: z.string().nullable().describe('Sum of the payments, as decimal text.'),
  warnings,
  accepted_missing: texts.describe('Files that the day was loaded without.'),
  missing_files: texts.describe('Required files that are not staged.'),
  workflow_id: workflow_id.nullable(),
  run_id: run_id.nullable(),
  finished_at: instant.nullable(),
});

const gap = object('Gap', 'Consecutive days in one state that need an operator.', {
  from: date,
  to: date,
  state: dayState,
  days: count,
});

const status = object('Status', 'The state of each day (exit code 1 with `--fail-on-gap` and a gap).', {
  from: date.nullable().describe('Null when no day is known.'),
  to: date.nullable(),
  totals: z.record(dayState, count).describe('Days by state.'),
  gaps: z.array(gap),
  load_gaps: command.describe('The command that loads the gaps.'),
  days: z.array(dayStatus),
});

const forgotten = object(
  'Forgotten',
  'The names of the customers are removed; `error` and exit code 1 when landed files may be left.',
  {
    customers: z.array(
      z.strictObject({
        customer_id: z.string().describe('As decimal text.'),
        forgotten_at: instant.describe('When it was asked for the first time.'),
        forgotten_by: z.string().describe('By which role of the database.'),
        staged_rows: count.describe('Orders in staging.user_order_log that had a name until now.'),
        mart_rows: count.describe('Rows of mart.d_customer that had a name until now.'),
        rejected_rows: count.describe('Rows of staging.rejected_row that have lost their text now.'),
      }),
    ),
    landings: z
      .array(
        z.strictObject({
          host: z.string().describe('Of its worker.'),
          directory: z.string(),
          state: z
            .enum(['pruned', 'pending', 'absent'])
            .describe(
              '`pending`: its worker has not pruned it in time; `absent`: it has no worker, and is pruned when one starts.',
            ),
          last_seen: instant,
          files_removed: count,
        }),
      )
      .describe('The landing directories that were seen in the last 30 days.'),
    error: error.nullable(),
  },
);

const verified = object(
  'Verified',
  'How the mart compares with its definition over staging (exit code 1 when it differs, with `--repair` afterwards).',
  {
    from: date.nullable().describe('First load date; null: from the first one.'),
    to: date.nullable(),
    equal: z.boolean().describe('Nothing differs, with `--repair` afterwards.'),
    differences: z.array(
      z.strictObject({
        table: z.string().describe('A table or view, or a column of one.'),
        difference: z
          .enum(['missing', 'extra', 'different'])
          .describe('What its rows are beside the definition.'),
        rows: count,
        first_keys: texts.describe('Keys of the first ones.'),
        mended: z.boolean().describe('By `--repair`.'),
      }),
    ),
    error: error.nullable(),
  },
);

const reportWritten = object('ReportWritten', 'The report page is written.', {
  file: z.string().describe('Absolute path.'),
  weeks: count.describe('Weeks with sales.'),
  days: count,
});

const schedule_id = z.string().describe('Temporal schedule id.');
const paused = z.boolean();

const runOptions = Object.entries(RUN_OPTIONS).map(([name, { type }]) => [
  snakeCase(name),
  { duration: milliseconds, share, files: texts }[type],
]);

const scheduleProperties = z.strictObject({
  time: z.string().describe('When a run is due, HH:MM in the time zone.'),
  time_zone: z.string().describe('IANA name.'),
  offset_days: count
    .nullable()
    .describe('Days from the load date to its run; null when the UI has removed it.'),
  task_queue: z.string(),
  catchup_window: z.string().describe('How late a missed run is still started, e.g. `30d`.'),
  overlap: z.string().describe('What happens to a run that is due while another runs.'),
  pause_on_failure: z.boolean(),
  options: z
    .strictObject(Object.fromEntries(runOptions) as Record<string, z.ZodType>)
    .partial()
    .describe('What its runs are started with: the settings of the same names in docs/settings.md.'),
});

const scheduleApplied = object('ScheduleApplied', 'The schedule as it is now.', {
  schedule_id,
  action: z.enum(['created', 'updated', 'unchanged']),
  changed: texts.describe('Each change, as `name: before → after`.'),
  paused,
  ...scheduleProperties.shape,
});

const schedule = object(
  'Schedule',
  'The schedule, its next and recent runs, and the days that are due but not loaded.',
  {
    schedule_id,
    paused,
    note: z.string().nullable(),
    ...scheduleProperties.shape,
    next: z.array(z.strictObject({ due: instant, load_date: date.nullable() })),
    recent: z.array(
      z.strictObject({ due: instant, started: instant, load_date: date.nullable(), workflow_id, run_id }),
    ),
    running: texts.describe('Workflow ids.'),
    runs: count.describe('Runs started so far.'),
    missed: count.describe('Runs that were missed by more than the catch-up window.'),
    skipped: count.describe('Runs that were skipped because another was running.'),
    open_days: z
      .strictObject({
        days: count,
        from: date.nullable(),
        to: date.nullable(),
        load: command.describe('The command that loads them.'),
      })
      .nullable()
      .describe('Days due but not loaded; null when the database cannot be read.'),
  },
);

const schedulePaused = object('SchedulePaused', 'The schedule is paused or active.', {
  schedule_id,
  paused,
  note: z.string(),
});

const scheduleTriggered = object('ScheduleTriggered', 'The schedule starts a run.', {
  schedule_id,
  triggered: z.literal(true),
});

const dayTriggered = object('DayTriggered', 'With `--date`.', {
  date,
  workflow_id,
  triggered: z.boolean().describe('False: a run of the date is already in progress.'),
});

const scheduleDeleted = object('ScheduleDeleted', 'The schedule no longer exists.', {
  schedule_id,
  deleted: z.boolean().describe('False: there was none.'),
});

/** What each command prints. `error`: without a command that exists. */
export const DOCUMENTS = {
  migrate: z.union([migrated, failure]),
  'search-attributes': z.union([searchAttributes, failure]),
  run: z.union([loadedRun, failedRun, failure]),
  backfill: z.union([backfill, backfillControl, failure]),
  bootstrap: z.union([loadedRun, failedRun, failure]),
  status: z.union([status, failure]),
  report: z.union([reportWritten, failure]),
  forget: z.union([forgotten, failure]),
  verify: z.union([verified, failure]),
  'schedule apply': z.union([scheduleApplied, failure]),
  'schedule show': z.union([schedule, failure]),
  'schedule pause': z.union([schedulePaused, failure]),
  'schedule resume': z.union([schedulePaused, failure]),
  'schedule trigger': z.union([scheduleTriggered, dayTriggered, failure]),
  'schedule delete': z.union([scheduleDeleted, failure]),
  error: z.union([failure]),
};

export type Document = z.infer<(typeof DOCUMENTS)[keyof typeof DOCUMENTS]>;
export type LoadedRun = z.infer<typeof loadedRun>;
export type FailedRun = z.infer<typeof failedRun>;
export type Backfill = z.infer<typeof backfill>;
export type DayState = z.infer<typeof dayState>;
export type DayStatus = z.infer<typeof dayStatus>;
export type Status = z.infer<typeof status>;
export type Forgotten = z.infer<typeof forgotten>;
export type Verified = z.infer<typeof verified>;
export type ScheduleProperties = z.infer<typeof scheduleProperties>;
export type Schedule = z.infer<typeof schedule>;
