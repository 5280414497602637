import { SettingsError } from '../../runtime/settings.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { awaitResult } from '../await-result.ts';
import { printLoaded, runFailed } from '../day-document.ts';
import { workflowFailure } from '../failure-text.ts';
import { CommandFailed, type Output } from '../output.ts';
import { runSettings } from '../run-settings.ts';
import { dayRequest } from '../start.ts';
import { startWhenFree } from '../start-when-free.ts';
import { withTemporal } from '../temporal.ts';

/** `client run`: loads one day, waits, and prints what was loaded. `files` limits the run to those files. */
export async function run(date: LoadDate, files: string[] | undefined, output: Output): Promise<void> {
  const request = dayRequest(runSettings(process.env), date, files);
  try {
    await withTemporal(async (client) => {
      const started = await startWhenFree(client, request, output);
      const { ids, result, failure } = await awaitResult(client, started, output);
      if (failure) throw runFailed(date, failure, ids);
      printLoaded(result, ids, output, date);
    });
  } catch (error) {
    if (error instanceof CommandFailed || error instanceof SettingsError) throw error;
    // No run was started; print the same document as for a failed run.
    throw runFailed(date, workflowFailure(error), { workflow_id: null, run_id: null });
  }
}
