import type { WorkflowHandle } from '@temporalio/client';
import { runOptions } from '../../runtime/run-options.ts';
import { readSettings } from '../../runtime/settings.ts';
import { connectClient } from '../../runtime/temporal.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { withDatabase } from '../database.ts';
import type { salesBackfill } from '../../workflows/index.ts';
import { awaitResult } from '../await-result.ts';
import { watchBackfill } from '../backfill-progress.ts';
import { CommandFailed, type Output } from '../output.ts';
import { workflowIds } from '../workflow-ids.ts';
import { startOrJoin } from '../start.ts';

const DEFAULT_CONCURRENCY = 4;

export interface BackfillOptions {
  from: LoadDate;
  to: LoadDate;
  concurrency?: number;
  onlyMissing?: boolean;
  /** Instead of starting: speak to the backfill of this range that is running. */
  pause?: boolean;
  resume?: boolean;
  cancel?: boolean;
}

/** `client backfill`: every day of a range; a second start joins the running one. */
export async function backfill(options: BackfillOptions, output: Output): Promise<void> {
  const { from, to, onlyMissing = false } = options;
  if (from > to) throw new CommandFailed(`--from ${from} lies after --to ${to}.`, 2);
  const shared = runOptions(process.env);
  const { TEMPORAL_TASK_QUEUE: taskQueue } = readSettings(process.env, ['TEMPORAL_TASK_QUEUE']);
  const workflowId = workflowIds(taskQueue).backfill(from, to);
  const client = await connectClient();
  try {
    const running = client.workflow.getHandle<typeof salesBackfill>(workflowId);
    if (options.pause || options.resume || options.cancel) {
      output.result(
        { from, to, workflow_id: workflowId, ...(await speakTo(running, options)) },
        () => 'Done.',
      );
      return;
    }
    const { handle, joined } = await startOrJoin<typeof salesBackfill>(client, {
      workflowType: 'salesBackfill',
      workflowId,
      taskQueue,
      kind: 'backfill',
      summary: `Backfill of ${from} to ${to}`,
      input: {
        from,
        to,
        concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
        onlyMissing,
        options: shared,
      },
    });
    output.note(joined ? `Joined ${workflowId}, which is running already.` : `Started ${workflowId}.`);
    if (joined && options.concurrency !== undefined) {
      output.note(
        await handle.executeUpdate<string, [number]>('setConcurrency', { args: [options.concurrency] }),
      );
    }
    const ended = await awaitResult(client, handle, taskQueue, output, watchBackfill);
    const ids = { workflow_id: workflowId, run_id: ended.runId };
    const days = await daysOf(workflowId);
    if (ended.failure) {
      const { message, next } = ended.failure;
      const document = { from, to, ...days, ...ids, error: message };
      throw new CommandFailed([message, next].filter(Boolean).join('\n'), 1, document);
    }
    report({ from, to, ...days }, ids, output);
  } finally {
    await client.connection.close();
  }
}

interface BackfillDays {
  loaded: LoadDate[];
  no_increment: LoadDate[];
  failed: { date: LoadDate; error: string }[];
}

/** What became of the days, from the database: a workflow's result could not hold a long range. */
async function daysOf(workflowId: string): Promise<BackfillDays> {
  const rows = await withDatabase((database) =>
    database.query<{ date: LoadDate; outcome: keyof BackfillDays; error: string | null }>('backfill/result', [
      workflowId,
    ]),
  );
  const datesOf = (outcome: string) => rows.filter((row) => row.outcome === outcome).map(({ date }) => date);
  return {
    loaded: datesOf('loaded'),
    no_increment: datesOf('no_increment'),
    failed: rows
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ date, error }) => ({ date, error: error ?? '' })),
  };
}

async function speakTo(handle: WorkflowHandle, { pause, resume }: BackfillOptions): Promise<object> {
  if (pause) return { answer: await handle.executeUpdate<string, []>('pause') };
  if (resume) return { answer: await handle.executeUpdate<string, []>('resume') };
  await handle.cancel();
  return { answer: 'Cancellation is requested: running days stop cleanly.' };
}

function report(result: { from: LoadDate; to: LoadDate } & BackfillDays, ids: object, output: Output): void {
  const { from, to, loaded, no_increment, failed } = result;
  const document = { from, to, loaded, no_increment, failed, ...ids, error: null };
  const text = [
    `${from} to ${to}: ${loaded.length} loaded, ${no_increment.length} without an increment, ${failed.length} failed.`,
    ...failed.map(({ date, error }) => `  ${date} failed: ${error}`),
  ].join('\n');
  if (failed.length > 0) throw new CommandFailed(text, 1, document);
  output.result(document, () => text);
}
