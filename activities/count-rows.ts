import { Context } from '@temporalio/activity';
import type { StagedFile } from '../domain/day.ts';
import { fileName } from '../domain/feeds.ts';

/** Adds a staged file to the worker's counters, which are served beside Temporal's own metrics. */
export function countRows(staged: StagedFile, bytes: number): void {
  const meter = Context.current().metricMeter;
  const file = fileName(staged);
  const { rows_read, rows_kept, rows_duplicate, rows_rejected } = staged.counts;
  const rows = meter.createCounter('sales_rows', '{rows}', 'Rows of staged files, by file and kind');
  rows.add(rows_read, { file, kind: 'read' });
  rows.add(rows_kept, { file, kind: 'kept' });
  rows.add(rows_duplicate, { file, kind: 'duplicate' });
  rows.add(rows_rejected, { file, kind: 'rejected' });
  meter.createCounter('sales_bytes', 'By', 'Bytes of staged files').add(bytes, { file });
}
