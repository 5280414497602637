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
    run.searchAttributes.setOutcome(result.outcome);
    run.progress.end(describeResult(run, result), result.warnings, filesOf(result));
    return result;
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    run.searchAttributes.setOutcome('failed');
    throw await failed(run, error);
  }
}

/** Records that the date has no increment, which is a result and not a failure. */
export async function noIncrement(run: Run): Promise<DayResult> {
  const { delivery, loadDate, number = 0, checkpoint } = run;
  const summary = `no increment for ${loadDate}`;
  const recorded = await outcomeSteps.recordNotFound.executeWithOptions({ summary }, [
    delivery,
    { number, startedAt: checkpoint.startedAt },
  ]);
  return { date: loadDate, files: {}, ...recorded };
}

/** A daily run points out the days before it that are not in, and how to load them. */
export async function withOpenDays(run: Run, result: DayResult): Promise<DayResult> {
  const warning = await openDaysWarning(run);
  return warning === undefined ? result : { ...result, warnings: [...result.warnings, warning] };
}

async function openDaysWarning({ loadDate, delivery }: Run): Promise<string | undefined> {
  const summary = `open days before ${loadDate}`;
  try {
    const open = await outcomeSteps.findOpenDays.executeWithOptions({ summary }, [delivery]);
    if (open.days === 0) return undefined;
    const load = loadCommand(open.first_date ?? '', open.last_date ?? '');
    const days = `${open.days} ${open.days === 1 ? 'day' : 'days'}`;
    return `${days} before ${loadDate} ${open.days === 1 ? 'is' : 'are'} not loaded: ${load}`;
  } catch (error) {
    if (isCancellation(error)) throw error;
    // The day itself is loaded.
    return `could not determine which days before ${loadDate} are not loaded: ${describeError(error)}`;
  }
}

/** Records the failure and sends an alert; returns what the run ends with. Cancelled runs are recorded too. */
async function failed(run: Run, error: unknown): Promise<unknown> {
  const message = describeError(error);
  const errorType = typeOf(error);
  const next = nextStep(errorType);
  run.progress.end(`${run.title} failed: ${message}`, next === undefined ? [] : [`Next: ${next}`]);
  // Without a load date there is nothing to record it under: the input was refused, or history has no report.
  if (!run.hasLoadDate) {
    // Nobody waits for a scheduled run and sees that it failed (contract, ruling 58).
    if (scheduledAt() !== undefined && !isCancellation(error))
      await CancellationScope.nonCancellable(() =>
        sendAlert(run, { kind: 'failed', error: message, errorType }),
      );
    return finalFailure(error);
  }
  const remark = await CancellationScope.nonCancellable(async () => {
    const notRecorded = await record(run, message, errorType);
    if (!isCancellation(error)) await sendAlert(run, { kind: 'failed', error: message, errorType });
    return notRecorded;
  });
  return finalFailure(error, message + remark);
}

/**
 * Returns what is to be added to the error when even this does not work. A run that has not got its claim has only
 * waited: it has nothing to say about the date.
 */
async function record(run: Run, error: string, errorType: string): Promise<string> {
  const { delivery, title, number, checkpoint } = run;
  if (number === undefined) return '';
  try {
    const summary = `${title} failed`;
    await outcomeSteps.recordFailure.executeWithOptions({ summary }, [
      delivery,
      { error, errorType, number, startedAt: checkpoint.startedAt },
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
