import { z } from 'zod';
import { EXPECTED_CONCURRENCY, isConcurrency } from './concurrency.ts';
import { knownTimeZone } from './due-days.ts';
import { YEAR_MS } from './durations.ts';
import { failure } from './failures.ts';
import { FEEDS, fileNames } from './feeds.ts';
import { isLoadDate } from './load-date.ts';
import { RUN_OPTIONS, type RunOptions } from './run-options.ts';
import { plainText } from './text.ts';

/**
 * What workflows and activities accept. Whoever may write to the namespace can start both with any input, so every one
 * is checked before it is used, and none leads to a path outside the landing directory. The types of what travels are made
 * of these schemas; workflows and client import nothing but types from here, since zod would weigh in their bundle and start.
 */

export const loadDateInput = z
  .string()
  .refine(isLoadDate, 'expected a date like 2024-02-25, from 1900-01-01 to 2999-12-31');
const file = z.enum(fileNames('increment'));
const files = z.array(file);
const feed = z.enum(FEEDS.map(({ name }) => name));
const milliseconds = z.number().int().min(0).max(YEAR_MS);
const count = z.number().int().min(0);
/** A greater one than a shop could draw: every later one would first be drawn up to it. */
const deliveryNumber = count.max(1e9);
export const countInput = count;
export const textInput = z.string();
/** Of the report API. Ids travel through histories and query strings; what is longer, or not plain text, is no id. */
export const idInput = z
  .string()
  .min(1)
  .max(2_000)
  .refine((id) => plainText(id) === id, 'expected an id without control characters');
const timeZone = z
  .string()
  .refine((name) => knownTimeZone(name) !== undefined, 'expected an IANA time zone like Europe/Moscow');
export const shareInput = z.number().min(0).max(1);

const optionInputs = Object.entries(RUN_OPTIONS).map(([name, { type, minimum }]) => [
  name,
  { duration: milliseconds.min(minimum), share: shareInput, files }[type],
]);
/** Without `undefined`, which no payload holds. */
const optionsInput = z.strictObject(Object.fromEntries(optionInputs)).partial() as z.ZodType as z.ZodType<
  Partial<RunOptions>
>;

export const runInput = z.object({ workflowId: z.string(), runId: z.string() });

/** `taskId`: of the task that made it. */
export const reportRefInput = z.object({ reportId: idInput, taskId: idInput });

export const holderInput = runInput.extend({
  /** It loads all files of the date, so its result serves whoever waits for the whole date. */
  isWhole: z.boolean(),
});

export const checkpointInput = z.object({
  /** ISO instant at which the first of these runs began. */
  startedAt: z.iso.datetime(),
  /** Orders the outcome among those of other runs; absent before the date is claimed. */
  number: deliveryNumber.optional(),
  taskId: idInput.optional(),
  report: reportRefInput.optional(),
  /** Milliseconds since 1970; absent until the wait has begun. */
  reportDeadline: count.optional(),
  filesDeadline: count.optional(),
  /** Files that a person has accepted as missing. */
  accepted: files,
  lateAlertSent: z.boolean(),
  /** The run of the same date that this one waits for. */
  waitedFor: holderInput.optional(),
  /** A person has been told that it makes no progress. */
  blockedAlertSent: z.boolean().optional(),
});

const backfillCheckpoint = z.object({
  next: loadDateInput,
  report: reportRefInput.optional(),
  reportDeadline: count.optional(),
  taskId: idInput.optional(),
  paused: z.boolean(),
  counts: z.object({ loaded: count, no_increment: count, failed: count }),
});

export const incrementInput = z
  .strictObject({
    /** A scheduled run has none and takes it from the time at which it was due. */
    loadDate: loadDateInput,
    /** What is absent comes from the worker's settings. */
    options: optionsInput,
    /** A report that is finished already, shared by the days of a backfill. */
    report: reportRefInput,
    /** How the load date of a scheduled run follows from the time at which it was due. */
    schedule: z.strictObject({ timeZone, offsetDays: z.number().int().min(0).max(366) }),
    /** Only these files, e.g. to stage one of a day again; all when absent. */
    files: files.min(1),
    checkpoint: checkpointInput,
  })
  .partial();

export const fullReportInput = reportRefInput.extend({
  /** The date that history is staged under. */
  startDay: loadDateInput.optional(),
  /** Feeds whose file is there, and those whose file is not. */
  present: z.array(feed),
  missing: z.array(feed),
});

export const historyInput = z
  .strictObject({
    options: optionsInput,
    checkpoint: checkpointInput.extend({ report: fullReportInput.optional() }),
  })
  .partial();

export const backfillInput = z
  .strictObject({
    /** First and last day, both included. */
    from: loadDateInput,
    to: loadDateInput,
    /** How many days are loaded side by side. */
    concurrency: z.number().refine(isConcurrency, EXPECTED_CONCURRENCY),
    /** Leave out the days that are loaded already. */
    onlyMissing: z.boolean().optional(),
    options: optionsInput.optional(),
    /** Days after which the workflow continues as new; smaller in tests. */
    daysPerRun: z.number().int().min(1).optional(),
    checkpoint: backfillCheckpoint.optional(),
  })
  .refine(({ from, to }) => from <= to, { path: ['to'], message: 'expected a date not before `from`' });

export const deliveryInput = z.object({ loadDate: loadDateInput, source: z.enum(['increment', 'history']) });
export const deliveryFileInput = deliveryInput.extend({ feed });
export const downloadInput = deliveryFileInput.extend({
  /** Drawn when the download began: of two downloads of a file, the greater number is the newer one. */
  deliveryNumber,
});

export const outcomeInput = z.object({
  /** Orders the outcome among those of other runs: of two, the one with the greater number stays. */
  number: deliveryNumber,
  /** ISO instant of the run's start. */
  startedAt: z.iso.datetime(),
});
export const failedInput = outcomeInput.extend({
  error: z.string(),
  /** The failure's type in domain/failures.ts. */
  errorType: z.string(),
});
export const loadedInput = outcomeInput.extend({
  /** Names of the files that the run has loaded. */
  files: z.array(z.string()),
  /** Files that the run went without; null when it was about some files of the date only. */
  acceptedMissing: z.array(z.string()).nullable(),
  volumeAlertShare: shareInput,
});
export const backfillDaysInput = z.array(
  z.object({
    date: loadDateInput,
    outcome: z.enum(['loaded', 'no_increment', 'failed']),
    error: z.string().nullable(),
  }),
);

export const claimInput = z.object({
  claim: z.union([loadDateInput, z.literal('history')]),
  /** The only files that the run is about; absent: all. */
  files: files.optional(),
});

export const alertInput = z.object({
  kind: z.enum(['late', 'failed', 'volume', 'blocked']),
  /** Absent: the run does not know it yet. */
  loadDate: loadDateInput.optional(),
  /** ISO instant at which a scheduled run was due that does not know its date. */
  due: z.iso.datetime().optional(),
  error: z.string(),
  errorType: z.string().optional(),
  run: runInput,
});

/** The value, if it is what the schema asks for. Throws `InvalidInput`, which names each fault and its value. */
export function checkedInput<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => {
    const name = path.join('.') || 'the input';
    return `${name} is ${shown(valueAt(value, path))}: ${message}`;
  });
  throw failure('InvalidInput', `${faults.join('; ')}.`);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, name) => (at as Record<PropertyKey, unknown> | null | undefined)?.[name],
    value,
  );
}

const MAX_SHOWN = 100;

function shown(value: unknown): string {
  return plainText(value === undefined ? 'missing' : JSON.stringify(value), MAX_SHOWN);
}
