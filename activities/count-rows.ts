import { Context } from '@temporalio/activity';
import type { StagedFile } from '../domain/day.ts';
import { fileName } from '../domain/feeds.ts';

/** Adds a staged file to the worker's counters, which are served beside Temporal's own metrics. */
export function countRows(staged: StagedFile, bytes: number): void {
  const meter = Context.current().metricMeter;
  const file = fileName(staged);
  const rows = meter.createCounter('sales_rows', '{rows}', 'Rows of staged files, by file and kind');
  for (const [name, count] of Object.entries(staged.counts))
    rows.add(count as number, { file, kind: name.replace('rows_', '') });
  meter.createCounter('sales_bytes', 'By', 'Bytes of staged files').add(bytes, { file });
}
