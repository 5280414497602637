import type { Database } from '../database/database.ts';
import { fileNames } from '../domain/feeds.ts';
import type { DayOutcome, DayResult, DeliveryRef, FileCounts } from '../domain/day.ts';
import { cancellation } from './current-run.ts';
import type { RunRef } from './dependencies.ts';

interface Row {
  outcome: string;
  file: string | null;
  rows_read: string;
  rows_kept: string;
  rows_duplicate: string;
  rows_rejected: string;
  warnings: string[] | null;
}

/** What a run has made of a date; undefined when it did not end well, or its outcome is not the newest. */
export async function dayResultOf(
  database: Database,
  delivery: DeliveryRef,
  run: RunRef,
): Promise<DayResult | undefined> {
  const isHistory = delivery.kind === 'report';
  const values = [delivery.loadDate, isHistory, run.workflowId, fileNames(delivery.kind)];
  const rows = await database.query<Row>('audit/day_result', values, cancellation());
  const outcome = rows[0]?.outcome;
  if (outcome !== 'loaded' && outcome !== 'no_increment') return undefined;
  const files: Record<string, FileCounts> = {};
  for (const row of rows) {
    if (row.file === null) continue;
    files[row.file] = {
      rows_read: Number(row.rows_read),
      rows_kept: Number(row.rows_kept),
      rows_duplicate: Number(row.rows_duplicate),
      rows_rejected: Number(row.rows_rejected),
    };
  }
  const warnings = rows.flatMap((row) =>
    (row.warnings ?? []).map((warning) => `${row.file ?? ''}: ${warning}`),
  );
  return { date: delivery.loadDate, outcome: outcome satisfies DayOutcome, files, warnings };
}
