import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FEEDS, fileNames } from '../../domain/feeds.ts';
import type { salesIncrement } from '../../workflows/index.ts';
import { client, start, type Running } from '../support/processes.ts';
import { reset, resetPoints } from '../support/reset.ts';
import { TestStack } from '../support/stack.ts';
import { callsOf, kill, until } from './harness.ts';

const stack = await TestStack.start({ api: { pollsUntilReady: Infinity } });
after(() => stack.close());

/** Resets the newest run to its first workflow task. */
async function resetToStart(workflowId: string): Promise<void> {
  const { runId } = await stack.client.workflow.getHandle(workflowId).describe();
  const [first] = await resetPoints(stack, workflowId, runId);
  assert.ok(first);
  await reset(stack, workflowId, runId, first);
}

/** A client that waits for a report which is not made before its run was reset twice. */
async function resetTwice(waiting: Running, workflowId: string): Promise<void> {
  for (const times of [1, 2]) {
    const polls = callsOf(stack, 'get_report').length;
    await until('the report is polled', () => callsOf(stack, 'get_report').length > polls + 2);
    await resetToStart(workflowId);
    await until(
      `the client follows reset ${times}`,
      () => waiting.output().split('was reset: waiting for its new run').length === times + 1,
    );
  }
  stack.api.setReady({ pollsUntilReady: 0 });
}

const commands: [string, string[], string][] = [
  ['run', ['--date', '2024-03-01'], '2024-03-01'],
  ['backfill', ['--from', '2024-03-02', '--to', '2024-03-03'], 'backfill-2024-03-02-2024-03-03'],
  ['bootstrap', [], 'history'],
];

for (const [command, args, id] of commands) {
  test(`${command} follows a reset to the new run, twice`, async (t) => {
    stack.api.setReady({ pollsUntilReady: Infinity });
    for (const day of ['2024-03-01', '2024-03-02', '2024-03-03'])
      stack.deliveries.set(day, [{ uniq_id: day }]);
    const waiting = start(['client/main.ts', command, ...args, '--json'], stack.environment);
    t.after(() => kill(waiting));
    await waiting.says('Started');
    await resetTwice(waiting, `${stack.taskQueue}-${id}`);
    const { code, stdout, stderr } = await waiting.ended;
    assert.equal(code, 0, stderr);
    const { run_id, error } = JSON.parse(stdout) as { run_id: string; error: null };
    assert.equal(error, null);
    const newest = await stack.client.workflow.getHandle(`${stack.taskQueue}-${id}`).describe();
    assert.equal(run_id, newest.runId, 'the document names the run that ended well');
  });
}

test('the document of a run that continued as new names the execution that ended it', async (t) => {
  stack.api.setReady({ pollsUntilReady: Infinity });
  stack.deliveries.set('2024-03-06', [{ uniq_id: 'sixth' }]);
  const waiting = start(['client/main.ts', 'run', '--date', '2024-03-06', '--json'], stack.environment);
  t.after(() => kill(waiting));
  await waiting.says('Started');
  const handle = stack.client.workflow.getHandle(`${stack.taskQueue}-2024-03-06`);
  const { runId: first } = await handle.describe();
  await until('it continues as new', async () => (await handle.describe()).runId !== first);
  stack.api.setReady({ pollsUntilReady: 0 });
  const { code, stdout, stderr } = await waiting.ended;
  assert.equal(code, 0, stderr);
  const { run_id } = JSON.parse(stdout) as { run_id: string };
  assert.deepEqual(await stack.rows(`select run_id from staging.day_load where load_date = '2024-03-06'`), [
    { run_id },
  ]);
});

test('a run that was terminated, and not reset, ends its client with 1', async (t) => {
  stack.api.setReady({ pollsUntilReady: Infinity });
  const waiting = start(['client/main.ts', 'run', '--date', '2024-03-04', '--json'], stack.environment);
  t.after(() => kill(waiting));
  await waiting.says('Started');
  await stack.client.workflow.getHandle(`${stack.taskQueue}-2024-03-04`).terminate('a test');
  const { code, stdout } = await waiting.ended;
  assert.equal(code, 1);
  assert.match(stdout, /"error": "The run was terminated\."/);
});

test('a run of the whole day that joins one of some files loads the whole day after it', async (t) => {
  stack.api.setReady({ pollsUntilReady: Infinity });
  stack.deliveries.set('2024-03-05', [{ uniq_id: 'whole' }]);
  // With the id of the day, as somebody would start it in the UI.
  await stack.client.workflow.start<typeof salesIncrement>('salesIncrement', {
    workflowId: `${stack.taskQueue}-2024-03-05`,
    taskQueue: stack.taskQueue,
    args: [{ loadDate: '2024-03-05', files: ['price_log_inc'], options: { reportPollIntervalMs: 50 } }],
  });
  const waiting = start(['client/main.ts', 'run', '--date', '2024-03-05', '--json'], stack.environment);
  t.after(() => kill(waiting));
  await waiting.says('is already running: waiting for it');
  stack.api.setReady({ pollsUntilReady: 0 });
  const { code, stdout, stderr } = await waiting.ended;
  assert.equal(code, 0, stderr);
  const { outcome, files } = JSON.parse(stdout) as { outcome: string; files: Record<string, unknown> };
  assert.equal(outcome, 'loaded');
  assert.equal(Object.keys(files).length, FEEDS.length);
});

test('--file of a day that is not loaded: partial, and what it still needs is named until it is loaded', async () => {
  stack.api.setReady({ pollsUntilReady: 0 });
  stack.deliveries.set('2024-03-09', [{ uniq_id: 'ninth' }]);
  const needed = fileNames('increment').filter((file) => file !== 'price_log_inc');
  const one = ['run', '--date', '2024-03-09', '--file', 'price_log_inc'];
  const [json, text] = [
    await client([...one, '--json'], stack.environment),
    await client(one, stack.environment),
  ];
  assert.deepEqual([json.code, text.code], [0, 0], json.stderr + text.stderr);
  const { outcome, warnings } = JSON.parse(json.stdout) as { outcome: string; warnings: string[] };
  assert.equal(outcome, 'partial');
  assert.ok(
    needed.every((file) => warnings.some((warning) => warning.includes(file))),
    warnings.join(),
  );
  assert.match(text.stdout, /^2024-03-09 is partially loaded/);

  const status = ['status', '--from', '2024-03-09', '--to', '2024-03-09'];
  const gap = await client([...status, '--json', '--fail-on-gap'], stack.environment);
  assert.equal(gap.code, 1);
  const document = JSON.parse(gap.stdout) as {
    days: { state: string; missing_files: string[] }[];
    load_gaps: string;
  };
  assert.deepEqual(
    document.days.map(({ state, missing_files }) => [state, missing_files]),
    [['missing', needed]],
  );
  const shown = await client(status, stack.environment);
  assert.ok(shown.stdout.includes(`2024-03-09 missing: needs ${needed.join(', ')}`), shown.stdout);
  assert.ok(shown.stdout.includes(`Load the gaps: ${document.load_gaps}`), shown.stdout);

  const [, load = ''] = document.load_gaps.split('npm run client -- ');
  const backfill = await client([...load.split(' '), '--json'], stack.environment);
  assert.equal(backfill.code, 0, backfill.stderr);
  assert.deepEqual((JSON.parse(backfill.stdout) as { loaded: string[] }).loaded, ['2024-03-09']);
  const after = await client([...status, '--json', '--fail-on-gap'], stack.environment);
  assert.equal(after.code, 0, after.stdout);
  assert.match(after.stdout, /"load_gaps": null/);
});
