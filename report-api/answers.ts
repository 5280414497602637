import { z } from 'zod';

/** The report API's answers (contract, section 1). Unknown extra members are ignored. */

export const generateReportAnswer = z.object({ task_id: z.string().min(1) });

const urls = z.record(z.string(), z.string().nullish()).nullish();

export const getReportAnswer = z.object({
  status: z.string(),
  data: z
    .object({
      report_id: z.string().min(1).nullish(),
      start_day: z.string().nullish(),
      end_date: z.string().nullish(),
      s3_path: urls,
    })
    .nullish(),
});

export const getIncrementAnswer = z.object({
  status: z.string(),
  debug_info: z.unknown().optional(),
  data: z.object({ increment_id: z.string().nullish(), s3_path: urls }).nullish(),
});
