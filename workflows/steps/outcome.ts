import { CancellationScope, ContinueAsNew, isCancellation } from '@temporalio/workflow';
import type { DayResult } from '../../domain/day.ts';
import { loadCommand } from '../../domain/load-command.ts';
import { nextStep } from '../../domain/failures.ts';
import { outcomeSteps } from './activities.ts';
import { sendAlert } from './alerts.ts';
import { scheduledAt } from './due-at.ts';
import { describeError, finalFailure, typeOf } from './errors.ts';
import type { Run } from './run.ts';

/** Does the work of a run, and records and shows how it ended. */
export async function withOutcome(run: Run, work: () => Promise<DayResult>): Promise<DayResult> {
  try {
    const result = await work();
    run.outcome = result.outcome;
    run.progress.end(describeResult(run, result), result.warnings, filesOf(result));
    return result;
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    run.outcome = 'failed';
    throw await failed(run, error);
  }
}

/** Records that the date has no increment, which is a result and not a failure. */
export async function noIncrement(run: Run): Promise<DayResult> {
  const { delivery, loadDate, checkpoint } = run;
  const { number = 0, startedAt } = checkpoint;
  const summary = `no increment for ${loadDate}`;
  const recorded = await outcomeSteps.recordNotFound.executeWithOptions({ summary }, [
    delivery,
    { number, startedAt },
  ]);
  return { date: loadDate, files: {}, ...recorded };
}

/** A daily run points out the days before it that are not in, and how to load them. */
export async function withOpenDays({ loadDate, delivery }: Run, result: DayResult): Promise<DayResult> {
  const warn = (warning: string) => ({ ...result, warnings: [...result.warnings, warning] });
  const summary = `open days before ${loadDate}`;
  try {
    const open = await outcomeSteps.findOpenDays.executeWithOptions({ summary }, [delivery]);
    if (open.days === 0) return result;
    const load = loadCommand(open.first_date ?? '', open.last_date ?? '');
    const [days, are] = open.days === 1 ? ['day', 'is'] : ['days', 'are'];
    return warn(`${open.days} ${days} before ${loadDate} ${are} not loaded: ${load}`);
  } catch (error) {
    if (isCancellation(error)) throw error;
    // The day itself is loaded.
    return warn(`could not determine which days before ${loadDate} are not loaded: ${describeError(error)}`);
  }
}

/** Records the failure and sends an alert; returns what the run ends with. Cancelled runs are recorded too. */
async function failed(run: Run, error: unknown): Promise<unknown> {
  const message = describeError(error);
  const errorType = typeOf(error);
  const next = nextStep(errorType);
  run.progress.end(`${run.title} failed: ${message}`, next === undefined ? [] : [`Next: ${next}`]);
  // Nobody waits for a scheduled run, and sees that it failed before it had a load date (contract, ruling 58).
  const isTold = !isCancellation(error) && (run.hasLoadDate || scheduledAt() !== undefined);
  const remark = await CancellationScope.nonCancellable(async () => {
    const notRecorded = await record(run, message, errorType);
    if (isTold) await sendAlert(run, { kind: 'failed', error: message, errorType });
    return notRecorded;
  });
  return finalFailure(error, message + remark);
}

/**
 * Returns what is to be added to the error when even this does not work. A run that has not got its claim has only
 * waited: it has nothing to say about the date. Without a load date there is nothing to record it under.
 */
async function record(run: Run, error: string, errorType: string): Promise<string> {
  const { number, startedAt } = run.checkpoint;
  if (number === undefined || !run.hasLoadDate) return '';
  try {
    const summary = `${run.title} failed`;
    await outcomeSteps.recordFailure.executeWithOptions({ summary }, [
      run.delivery,
      { error, errorType, number, startedAt },
    ]);
    return '';
  } catch (recordError) {
    return ` (This could not be recorded: ${describeError(recordError)})`;
  }
}

const OUTCOMES: Record<DayResult['outcome'], string> = {
  loaded: 'is loaded',
  partial: 'is partially loaded',
  no_increment: 'has no increment',
};

function describeResult({ title }: Run, { outcome, joined }: DayResult): string {
  const sentence = `${title} ${OUTCOMES[outcome]}`;
  return joined ? `${sentence}, by workflow ${joined.workflowId}.` : `${sentence}.`;
}

/** Markdown: rows by file. No table, whose heading cells the UI lets run together (seen in 2.54). */
function filesOf({ files }: DayResult): string[] {
  const list = Object.entries(files).map(
    ([file, { rows_read, rows_kept, rows_duplicate, rows_rejected }]) =>
      `- ${file}: ${rows_read} rows read, ${rows_kept} kept, ${rows_duplicate} duplicate, ${rows_rejected} rejected`,
  );
  return list.length === 0 ? [] : ['Files:', '', ...list];
}
