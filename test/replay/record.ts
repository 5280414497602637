import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { projectRoot } from '../../runtime/project-root.ts';
import { eachDay } from '../../domain/load-date.ts';
import type { RunOptions } from '../../domain/run-options.ts';
import { until } from '../client/harness.ts';
import { variable } from '../support/database.ts';
import { reset, resetPoints } from '../support/reset.ts';
import { TestStack } from '../support/stack.ts';

/**
 * Records one history of every kind of run into test/histories: `npm run record-histories`. When and why:
 * docs/decisions/0005-replay-gate.md. It is a test only to have the servers of `npm test`.
 */
const execute = promisify(execFile);
const DIRECTORY = path.join(projectRoot, 'test', 'histories');

test('record the histories', { timeout: 120_000 }, async () => {
  await mkdir(DIRECTORY, { recursive: true });
  const webhook = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await once(webhook, 'listening');
  const { port } = webhook.address() as AddressInfo;
  const stack = await TestStack.start({ settings: { ALERT_WEBHOOK_URL: `http://127.0.0.1:${port}/` } });
  const save = async (name: string, workflowId: string, runId?: string) => {
    const run = runId === undefined ? [] : ['--run-id', runId];
    const args = ['workflow', 'show', '--address', variable('TEMPORAL_ADDRESS'), '--output', 'json'];
    const { stdout } = await execute(
      variable('TEMPORAL_CLI'),
      [...args, '--workflow-id', workflowId, ...run],
      {
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    // A backfill names its days after itself: the id is part of what is replayed.
    // Stack traces hold paths of the machine, which are nobody's business.
    const text = stdout.replaceAll(`${projectRoot}${path.sep}`, '');
    const recorded = { workflowId, history: JSON.parse(text) as unknown };
    await writeFile(path.join(DIRECTORY, `${name}.json`), `${JSON.stringify(recorded, null, 1)}\n`);
  };
  /** Records the run of a day; `meanwhile` is done while it is under way. */
  const record = async (
    name: string,
    date: string,
    options: Partial<RunOptions> = {},
    meanwhile: (run: Awaited<ReturnType<typeof stack.startDay>>) => Promise<unknown> = () =>
      Promise.resolve(),
  ) => {
    const run = await stack.startDay(date, options, name);
    await meanwhile(run);
    await run.result().catch(() => undefined);
    await save(name, run.workflowId);
    return run;
  };
  try {
    for (const day of eachDay('2024-02-25', '2024-03-05')) stack.deliveries.set(day, [{ uniq_id: day }]);

    const success = await record('success', '2024-02-25');
    const points = await resetPoints(stack, success.workflowId, success.firstExecutionRunId);
    const middle = points[Math.floor(points.length / 2)];
    if (!middle) throw new Error('The run has no point to reset to.');
    const runId = await reset(stack, success.workflowId, success.firstExecutionRunId, middle);
    await stack.client.workflow.getHandle(success.workflowId, runId).result();
    await save('reset', success.workflowId, runId);

    stack.api.setReady({ pollsUntilReady: 3 });
    await record('waiting', '2024-02-26', { lateAfterMs: 3_600_000 });

    stack.api.setReady({ readyAfterMs: 1_000 });
    const late = await record('late', '2024-02-26', { lateAfterMs: 300 });
    const query = `WorkflowType = "salesAlert" and WorkflowId starts_with "${late.workflowId}"`;
    let alert: string | undefined;
    await until('the alert has ended', async () => {
      for await (const { workflowId, status } of stack.client.workflow.list({ query }))
        if (status.name === 'COMPLETED') alert = workflowId;
      return alert !== undefined;
    });
    await save('alert', alert ?? '');
    stack.api.setReady({ pollsUntilReady: 1, readyAfterMs: 0 });

    stack.deliveries.set('2024-02-27', [{ uniq_id: 'x' }], { price_log_inc: null });
    await record('missing-file', '2024-02-27', { filesTimeoutMs: 300 });
    await record('proceed-without', '2024-02-27', {}, (run) =>
      run.executeUpdate('proceedWithout', { args: [['price_log_inc']] }),
    );
    await record('not-found', '2023-01-01');
    stack.deliveries.set('2024-02-28', '<html>');
    await record('refused', '2024-02-28');

    stack.api.setReady({ readyAfterMs: 1_500 });
    await record('first-of-two', '2024-02-29', {}, () => record('second-of-two', '2024-02-29'));
    await record('cancelled', '2024-03-01', {}, async (run) => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await run.cancel();
    });
    stack.api.setReady({ readyAfterMs: 0 });

    const history = await stack.client.workflow.start('salesHistory', {
      workflowId: `${stack.taskQueue}-history`,
      taskQueue: stack.taskQueue,
      args: [{}],
    });
    await history.result();
    await save('history', history.workflowId);

    const backfill = await stack.client.workflow.start('salesBackfill', {
      workflowId: `${stack.taskQueue}-backfill`,
      taskQueue: stack.taskQueue,
      args: [{ from: '2024-03-01', to: '2024-03-05', concurrency: 2, daysPerRun: 3 }],
    });
    await backfill.result();
    await save('backfill-continued-as-new', backfill.workflowId, backfill.firstExecutionRunId);
    await save('backfill', backfill.workflowId);
  } finally {
    await stack.close();
    webhook.close();
  }
});
