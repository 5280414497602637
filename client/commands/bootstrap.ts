import type { salesHistory } from '../../workflows/index.ts';
import { startAndAwait } from '../await-result.ts';
import { printLoaded, runFailed } from '../day-document.ts';
import type { Output } from '../output.ts';
import { runSettings } from '../run-settings.ts';
import { withTemporal } from '../temporal.ts';
import { workflowIds } from '../../domain/workflow-ids.ts';

/** `client bootstrap`: loads the full report as history, waits, and prints what was loaded. */
export async function bootstrap(_: object, output: Output): Promise<void> {
  const { options, taskQueue } = runSettings(process.env);
  await withTemporal(async (client) => {
    const { ids, result, failure } = await startAndAwait<typeof salesHistory>(
      client,
      {
        workflowType: 'salesHistory',
        workflowId: workflowIds(taskQueue).history,
        taskQueue,
        kind: 'history',
        summary: 'History from the full report',
        input: { options },
        lackOf: () => undefined,
      },
      output,
    );
    if (failure) throw runFailed(null, failure, ids);
    printLoaded(result, ids, output, `History of ${result.date}`);
  });
}
