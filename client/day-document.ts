import type { DayResult } from '../domain/day.ts';
import type { RunIds } from './await-result.ts';
import type { FailureText } from './failure-text.ts';
import { filesTable } from './files-table.ts';
import { CommandFailed, type Output } from './output.ts';
import type { FailedRun, LoadedRun } from '../schemas/documents.ts';

/** Prints what a run loaded, as the contract's `run --json` document or as text. */
export function printLoaded(result: DayResult, ids: RunIds<LoadedRun>, output: Output, what: string): void {
  const { date, outcome, files, warnings, joined } = result;
  const document: LoadedRun = {
    date,
    outcome,
    files,
    warnings,
    ...ids,
    error: null,
    ...(joined && { joined: { workflow_id: joined.workflowId, run_id: joined.runId } }),
  };
  output.result(document, () => {
    if (outcome === 'no_increment') return `${what}: the report API has no increment for this date.`;
    const by = joined ? ` by workflow ${joined.workflowId}` : '';
    return [
      outcome === 'partial' ? `${what} is partially loaded${by}.` : `${what} is loaded${by}.`,
      filesTable(files),
      ...warnings.map((warning) => `warning: ${warning}`),
    ].join('\n');
  });
}

/** Ends a command whose run failed: exit code 1, with the same document. */
export function runFailed(
  date: string | null,
  { message, next }: FailureText,
  ids: RunIds<FailedRun>,
): CommandFailed {
  const document: FailedRun = {
    date,
    outcome: 'failed',
    files: {},
    ...ids,
    error: message,
    next: next ?? null,
  };
  return new CommandFailed([message, next].filter(Boolean).join('\n'), 1, document);
}
