import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Runtime, Worker } from '@temporalio/worker';
import { projectRoot } from '../../runtime/project-root.ts';
import { createLogger } from '../../runtime/logger.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';

const DIRECTORY = path.join(projectRoot, 'test', 'histories');
const ADVICE =
  'This change breaks runs that are going on: guard it with patched() (see docs/decisions/0005-replay-gate.md), or, ' +
  'if no such run can be going on any more, record the histories anew with `npm run record-histories`.';

interface Recorded {
  workflowId: string;
  history: unknown;
}

interface RecordedEvent {
  workflowExecutionStartedEventAttributes?: { workflowType: { name: string } };
}

Runtime.install({ logger: createLogger('ERROR'), shutdownSignals: [] });
const names = (await readdir(DIRECTORY)).filter((name) => name.endsWith('.json'));

test('every workflow has a recorded history, and a day has one of each way that it can go', async () => {
  const types = new Set<string>();
  for (const name of names) {
    const text = await readFile(path.join(DIRECTORY, name), 'utf8');
    const { history } = JSON.parse(text) as { history: { events: RecordedEvent[] } };
    types.add(history.events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name ?? '');
  }
  const index = await readFile(path.join(projectRoot, 'workflows/index.ts'), 'utf8');
  const workflows = [...index.matchAll(/^export \{ (\w+) /gm)].map(([, name]) => name);
  assert.deepEqual([...types].sort(), workflows.sort());
  const record = await readFile(path.join(projectRoot, 'test/replay/record.ts'), 'utf8');
  const recorded = [...record.matchAll(/await save\('([\w-]+)'/g)].map(([, name]) => `${name ?? ''}.json`);
  assert.deepEqual([...names].sort(), recorded.sort());
});

for (const name of names) {
  test(`the code replays ${name}`, async () => {
    const recorded = JSON.parse(await readFile(path.join(DIRECTORY, name), 'utf8')) as Recorded;
    const replayed = Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, [recorded]);
    for await (const { error } of replayed) {
      if (error) throw new Error(`${ADVICE}\n${error.message}`, { cause: error });
    }
  });
}
