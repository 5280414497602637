import { z } from 'zod';
import { EXPECTED_CONCURRENCY, isConcurrency } from '../domain/concurrency.ts';
import { knownTimeZone } from '../domain/due-days.ts';
import { FEEDS, fileNames } from '../domain/feeds.ts';
import { failure } from '../domain/failures.ts';
import { isLoadDate } from '../domain/load-date.ts';
import { plainText } from '../domain/text.ts';
import { reportApiId } from '../pipeline/extract/report-api-answers.ts';

/**
 * What workflows and activities accept. Whoever may write to the namespace can start both with any input, so every one
 * is checked before it is used, and none leads to a path outside the landing directory.
 */

/** A year: no wait is longer. */
const MAX_MILLISECONDS = 366 * 86_400_000;

export const loadDateInput = z
  .string()
  .refine(isLoadDate, 'expected a date like 2024-02-25, from 1900-01-01 to 2999-12-31');
const file = z.enum(fileNames('increment'));
const files = z.array(file);
const feed = z.enum(FEEDS.map(({ name }) => name));
const milliseconds = z.number().int().min(0).max(MAX_MILLISECONDS);
const count = z.number().int().min(0);
/** A greater one than a shop could draw: every later one would first be drawn up to it. */
const deliveryNumber = count.max(1e9);
export const countInput = count;
export const textInput = z.string();
export const idInput = reportApiId;
const timeZone = z
  .string()
  .refine((name) => knownTimeZone(name) !== undefined, 'expected an IANA time zone like Europe/Moscow');
export const shareInput = z.number().min(0).max(1);

export const optionsInput = z
  .strictObject({
    reportPollIntervalMs: milliseconds.min(1),
    reportTimeoutMs: milliseconds.min(1),
    filesTimeoutMs: milliseconds,
    optionalFiles: files,
    maxRejectedShare: shareInput,
    lateAfterMs: milliseconds,
    volumeAlertShare: shareInput,
  })
  .partial();

export const reportRefInput = z.object({ reportId: idInput, taskId: idInput });

export const holderInput = z.object({ workflowId: z.string(), runId: z.string(), isWhole: z.boolean() });

const checkpoint = z.object({
  startedAt: z.iso.datetime(),
  number: deliveryNumber.optional(),
  taskId: idInput.optional(),
  report: reportRefInput.loose().optional(),
  reportDeadline: count.optional(),
  filesDeadline: count.optional(),
  accepted: files,
  lateAlertSent: z.boolean(),
  waitedFor: holderInput.optional(),
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
    loadDate: loadDateInput,
    options: optionsInput,
    report: reportRefInput,
    schedule: z.strictObject({ timeZone, offsetDays: z.number().int().min(0).max(366) }),
    files: files.min(1),
    checkpoint,
  })
  .partial();

const fullReport = reportRefInput.extend({
  startDay: loadDateInput.optional(),
  present: z.array(feed),
  missing: z.array(feed),
});

export const historyInput = z
  .strictObject({ options: optionsInput, checkpoint: checkpoint.extend({ report: fullReport.optional() }) })
  .partial();

export const backfillInput = z
  .strictObject({
    from: loadDateInput,
    to: loadDateInput,
    concurrency: z.number().refine(isConcurrency, EXPECTED_CONCURRENCY),
    onlyMissing: z.boolean().optional(),
    options: optionsInput.optional(),
    daysPerRun: z.number().int().min(1).optional(),
    checkpoint: backfillCheckpoint.optional(),
  })
  .refine(({ from, to }) => from <= to, { path: ['to'], message: 'expected a date not before `from`' });

export const deliveryInput = z.object({ loadDate: loadDateInput, source: z.enum(['increment', 'history']) });
export const deliveryFileInput = deliveryInput.extend({ feed });
export const downloadInput = deliveryFileInput.extend({ deliveryNumber });

export const outcomeInput = z.object({ number: deliveryNumber, startedAt: z.iso.datetime() });
export const failedInput = outcomeInput.extend({ error: z.string(), errorType: z.string() });
export const loadedInput = outcomeInput.extend({
  files: z.array(z.string()),
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
  files: files.optional(),
});

export const alertInput = z.object({
  kind: z.enum(['late', 'failed', 'volume', 'blocked']),
  loadDate: loadDateInput.optional(),
  due: z.iso.datetime().optional(),
  error: z.string(),
  errorType: z.string().optional(),
  run: z.object({ workflowId: z.string(), runId: z.string() }),
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
