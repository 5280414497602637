import { runOptions } from '../../config/run-options.ts';
import { readSettings } from '../../config/settings.ts';
import { connectClient } from '../../config/temporal.ts';
import type { DayResult } from '../../shared/day.ts';
import type { LoadDate } from '../../shared/load-date.ts';
import { workflowFailure } from '../failure-text.ts';
import { filesTable } from '../files-table.ts';
import { follow } from '../follow.ts';
import { CommandFailed, type Output } from '../output.ts';
import { startDay } from '../start-day.ts';

/** `client run`: loads one day, waits, and prints what was loaded. */
export async function run(date: LoadDate, output: Output): Promise<void> {
  const options = runOptions(process.env);
  const { TEMPORAL_TASK_QUEUE: taskQueue } = readSettings(process.env, ['TEMPORAL_TASK_QUEUE']);
  const client = await connectClient();
  const done = new AbortController();
  try {
    const { handle, joined } = await startDay(client, taskQueue, date, options);
    const { workflowId } = handle;
    const { runId } = await handle.describe();
    output.note(
      joined ? `${date} is being loaded already: waiting for ${workflowId}.` : `Started ${workflowId}.`,
    );
    onInterrupt(workflowId, output);
    const followed = follow(client, handle, taskQueue, output, done.signal);
    let result: DayResult;
    try {
      result = await handle.result();
    } catch (error) {
      const { message, next } = workflowFailure(error);
      throw new CommandFailed(next === undefined ? message : `${message}\n${next}`, 1, {
        date,
        outcome: 'failed',
        files: {},
        workflow_id: workflowId,
        run_id: runId,
        error: message,
        next,
      });
    } finally {
      done.abort();
      await followed;
    }
    const { outcome, files, warnings, joined: other } = result;
    const document = { date, outcome, files, warnings, workflow_id: workflowId, run_id: runId, error: null };
    output.result(other ? { ...document, joined: other } : document, () => describe(result));
  } finally {
    await client.connection.close();
  }
}

function describe(result: DayResult): string {
  const { date, outcome, files, warnings, joined } = result;
  if (outcome === 'no_increment') return `${date}: the report API has no increment for this date.`;
  return [
    joined ? `${date} was loaded by workflow ${joined.workflowId}.` : `${date} is loaded.`,
    filesTable(files),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}

/** Ctrl-C ends the client, not the run. */
function onInterrupt(workflowId: string, output: Output): void {
  process.once('SIGINT', () => {
    output.note(`\n${workflowId} goes on without this client; the same command joins it again.`);
    process.exit(130);
  });
}
