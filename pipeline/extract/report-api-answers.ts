import { z } from 'zod';
import { idInput } from '../../domain/inputs.ts';

/**
 * The report API's answers (contract, section 1). Unknown extra members are ignored, whatever they hold; `data` and
 * `s3_path` may be missing, null or empty in any way.
 */

/** Empty text and an empty list are ways to say that there is nothing. */
function orNothing<T extends z.ZodType>(schema: T) {
  return z
    .preprocess(
      (value) => (value === '' || (Array.isArray(value) && value.length === 0) ? null : value),
      schema.nullish(),
    )
    .optional();
}

const urls = orNothing(z.record(z.string(), z.unknown()));

export const generateReportAnswer = z.object({ task_id: idInput });

export const getReportAnswer = z.object({
  status: z.string(),
  task_id: z.unknown().optional(),
  data: orNothing(
    z.object({
      report_id: idInput.or(z.literal('')).nullish(),
      start_day: z.unknown().optional(),
      s3_path: urls,
    }),
  ),
});

export const getIncrementAnswer = z.object({
  status: z.string(),
  report_id: z.unknown().optional(),
  date: z.unknown().optional(),
  data: orNothing(z.object({ s3_path: urls })),
});
