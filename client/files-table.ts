import Table from 'cli-table3';
import type { FileCounts } from '../domain/day.ts';

/** Row counts per file, as a terminal table. */
export function filesTable(files: Record<string, FileCounts>): string {
  const table = plainTable(['file', 'rows read', 'kept', 'duplicate', 'rejected']);
  for (const [file, counts] of Object.entries(files)) {
    table.push([file, counts.rows_read, counts.rows_kept, counts.rows_duplicate, counts.rows_rejected]);
  }
  return table.toString();
}

/** A table with left-aligned text columns first, then right-aligned numbers. */
export function plainTable(head: string[], textColumns = 1): Table.Table {
  return new Table({
    head,
    colAligns: head.map((_, index) => (index < textColumns ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
}
