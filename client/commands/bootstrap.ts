import { runOptions } from '../../runtime/run-options.ts';
import { readSettings } from '../../runtime/settings.ts';
import { connectClient } from '../../runtime/temporal.ts';
import type { salesHistory } from '../../workflows/index.ts';
import { awaitResult } from '../await-result.ts';
import { printLoaded, runFailed } from '../day-document.ts';
import type { Output } from '../output.ts';
import { workflowIds } from '../workflow-ids.ts';
import { startOrJoin } from '../start.ts';

/** `client bootstrap`: loads the full report as history, waits, and prints what was loaded. */
export async function bootstrap(output: Output): Promise<void> {
  const options = runOptions(process.env);
  const { TEMPORAL_TASK_QUEUE: taskQueue } = readSettings(process.env, ['TEMPORAL_TASK_QUEUE']);
  const client = await connectClient();
  try {
    const { handle, joined } = await startOrJoin<typeof salesHistory>(client, {
      workflowType: 'salesHistory',
      workflowId: workflowIds(taskQueue).history,
      taskQueue,
      kind: 'history',
      summary: 'History from the full report',
      input: { options },
    });
    const { workflowId } = handle;
    output.note(
      joined ? `History is being loaded already: waiting for ${workflowId}.` : `Started ${workflowId}.`,
    );
    const { runId, result, failure } = await awaitResult(client, handle, taskQueue, output);
    const ids = { workflow_id: workflowId, run_id: runId };
    if (failure) throw runFailed(null, failure, ids);
    printLoaded(result, ids, output, `History of ${result.date}`);
  } finally {
    await client.connection.close();
  }
}
