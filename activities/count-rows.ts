import { Context } from '@temporalio/activity';
import type { CheckedFile, StagedFile } from '../domain/day.ts';

/** Adds a staged file to the worker's counters; they are served beside Temporal's own metrics. */
export function countRows({ bytes }: CheckedFile, { file, counts }: StagedFile): void {
  const meter = Context.current().metricMeter;
  const rows = meter.createCounter(
    'sales_rows',
    '{rows}',
    'Rows of staged files, by file and what became of them',
  );
  rows.add(counts.rows_read, { file, kind: 'read' });
  rows.add(counts.rows_kept, { file, kind: 'kept' });
  rows.add(counts.rows_duplicate, { file, kind: 'duplicate' });
  rows.add(counts.rows_rejected, { file, kind: 'rejected' });
  meter.createCounter('sales_bytes', 'By', 'Bytes of staged files').add(bytes, { file });
}
