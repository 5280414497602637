import { runOptions } from '../../runtime/run-options.ts';
import { readSettings } from '../../runtime/settings.ts';
import { connectClient } from '../../runtime/temporal.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { awaitResult } from '../await-result.ts';
import { printLoaded, runFailed } from '../day-document.ts';
import { workflowFailure } from '../failure-text.ts';
import type { CommandFailed, Output } from '../output.ts';
import { startDay } from '../start-day.ts';

/** `client run`: loads one day, waits, and prints what was loaded. `files` limits it to some of the day's files. */
export async function run(date: LoadDate, files: string[] | undefined, output: Output): Promise<void> {
  const options = runOptions(process.env);
  const { TEMPORAL_TASK_QUEUE: taskQueue } = readSettings(process.env, ['TEMPORAL_TASK_QUEUE']);
  const client = await connectClient().catch((error: unknown) => {
    throw notStarted(date, error);
  });
  try {
    for (;;) {
      const { handle, joined } = await startDay(client, taskQueue, date, options, files).catch(
        (error: unknown) => {
          throw notStarted(date, error);
        },
      );
      const { workflowId } = handle;
      output.note(
        joined ? `${date} is being loaded already: waiting for ${workflowId}.` : `Started ${workflowId}.`,
      );
      const { runId, result, failure } = await awaitResult(client, handle, taskQueue, output);
      const ids = { workflow_id: workflowId, run_id: runId };
      if (failure) throw runFailed(date, failure, ids);
      // What was joined was started with this id for some files only, from the UI for instance.
      if (joined && !files && result.only) continue;
      printLoaded(result, ids, output, date);
      return;
    }
  } finally {
    await client.connection.close();
  }
}

/** The same document as that of a run that failed, though there is no run. */
function notStarted(date: LoadDate, error: unknown): CommandFailed {
  return runFailed(date, workflowFailure(error), { workflow_id: null, run_id: null });
}
