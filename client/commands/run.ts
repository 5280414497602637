import { SettingsError } from '../../runtime/settings.ts';
import { loadDateOfRun } from '../../domain/due-days.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { dailySchedule } from '../../runtime/daily-schedule.ts';
import { startAndAwait } from '../await-result.ts';
import { printLoaded, runFailed } from '../day-document.ts';
import { workflowFailure } from '../failure-text.ts';
import { CommandFailed, type Output } from '../output.ts';
import { runSettings } from '../run-settings.ts';
import { dayRequest } from '../start.ts';
import { withTemporal } from '../temporal.ts';

interface RunOptions {
  /** By default the one that the schedule would load now. */
  date?: LoadDate;
  /** Only these files. */
  file?: string[];
}

/** `client run`: loads one day, waits, and prints what was loaded. */
export async function run({ file: files, ...options }: RunOptions, output: Output): Promise<void> {
  const date = options.date ?? loadDateOfRun(dailySchedule(process.env), new Date());
  const request = dayRequest(runSettings(process.env), date, files);
  try {
    await withTemporal(async (client) => {
      const { ids, result, failure } = await startAndAwait(client, request, output);
      if (failure) throw runFailed(date, failure, ids);
      printLoaded(result, ids, output, date);
    });
  } catch (error) {
    if (error instanceof CommandFailed || error instanceof SettingsError) throw error;
    // No run was started; print the same document as for a failed run.
    throw runFailed(date, workflowFailure(error), { workflow_id: null, run_id: null });
  }
}
