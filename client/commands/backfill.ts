import { readSettings, readTogether } from '../../runtime/settings.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import type { salesBackfill } from '../../workflows/index.ts';
import { checkRange, DEFAULT_CONCURRENCY } from '../arguments.ts';
import { startAndAwait } from '../await-result.ts';
import { withDatabase } from '../database.ts';
import { firstOf, groupDays, rangeText } from '../day-groups.ts';
import { CommandFailed, type Output } from '../output.ts';
import { runSettings } from '../run-settings.ts';
import type { Backfill } from '../../schemas/documents.ts';
import type { StartRequest } from '../start.ts';
import { steer } from '../steer.ts';
import { withTemporal } from '../temporal.ts';
import { workflowIds } from '../../domain/workflow-ids.ts';

export interface BackfillOptions {
  from: LoadDate;
  to: LoadDate;
  concurrency?: number;
  onlyMissing?: boolean;
  /** Instead of starting one, control the running backfill of this range. */
  pause?: boolean;
  resume?: boolean;
  cancel?: boolean;
}

/** `client backfill`: loads every day of a range; a second start joins the running one, unless that does less. */
export async function backfill(options: BackfillOptions, output: Output): Promise<void> {
  const { from, to, onlyMissing = false, concurrency = DEFAULT_CONCURRENCY } = options;
  checkRange(options, Infinity);
  const [{ taskQueue, options: shared }] = readTogether(
    () => runSettings(process.env),
    // For the final lists of days.
    () => readSettings(process.env, ['DATABASE_URL']),
  );
  const workflowId = workflowIds(taskQueue).backfill(from, to);
  await withTemporal(async (client) => {
    const asked = (['pause', 'resume', 'cancel'] as const).find((request) => options[request]);
    if (asked) {
      const answer = await steer(client, client.workflow.getHandle(workflowId), taskQueue, asked);
      output.result({ from, to, workflow_id: workflowId, answer }, () => answer);
      return;
    }
    const request: StartRequest<typeof salesBackfill> = {
      workflowType: 'salesBackfill',
      workflowId,
      taskQueue,
      kind: 'backfill',
      summary: `Backfill of ${from} to ${to}`,
      input: { from, to, concurrency, onlyMissing, options: shared },
      lackOf: (running) => {
        const { from: first = to, to: last = from } = running;
        if (first > from || last < to) return `loads ${first} to ${last}`;
        return running.onlyMissing && !onlyMissing ? 'leaves out the days that are loaded' : undefined;
      },
    };
    const { ids, failure } = await startAndAwait(client, request, output, async (handle) => {
      if (options.concurrency !== undefined)
        output.note(await steer(client, handle, taskQueue, 'setConcurrency', concurrency));
    });
    const days = await daysOf(workflowId);
    const document: Backfill = {
      from,
      to,
      ...days,
      workflow_id: workflowId,
      run_id: ids.run_id,
      error: failure?.message ?? null,
    };
    const text = [`${from} to ${to}: ${describe(days)}`, failure?.message, failure?.next]
      .filter(Boolean)
      .join('\n');
    if (failure || days.failed.length > 0) throw new CommandFailed(text, 1, document);
    output.result(document, () => text);
  });
}

type BackfillDays = Pick<Backfill, 'loaded' | 'no_increment' | 'failed'>;

/** The outcome of each day, from the database: a long range does not fit in a workflow's result. */
async function daysOf(workflowId: string): Promise<BackfillDays> {
  const rows = await withDatabase((database) =>
    database.query<{ date: LoadDate; outcome: keyof BackfillDays; error: string | null }>('backfill/result', [
      workflowId,
    ]),
  );
  const withOutcome = (outcome: keyof BackfillDays) => rows.filter((row) => row.outcome === outcome);
  return {
    loaded: withOutcome('loaded').map(({ date }) => date),
    no_increment: withOutcome('no_increment').map(({ date }) => date),
    failed: withOutcome('failed').map(({ date, error }) => ({ date, error: error ?? '' })),
  };
}

function describe({ loaded, no_increment, failed }: BackfillDays): string {
  const ranges = groupDays(loaded.map((date) => ({ date }))).map(rangeText);
  const names = ranges.length === 0 ? '' : ` (${firstOf(ranges).join(', ')})`;
  return [
    `${loaded.length} loaded${names}, ${no_increment.length} without an increment, ${failed.length} failed.`,
    ...firstOf(failed.map(({ date, error }) => `  ${date} failed: ${error}`)),
  ].join('\n');
}
