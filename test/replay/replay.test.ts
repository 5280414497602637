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
  history: {
    events: { workflowExecutionStartedEventAttributes?: { workflowType: { name: string } } }[];
  };
}

Runtime.install({ logger: createLogger('ERROR'), shutdownSignals: [] });
const names = (await readdir(DIRECTORY)).filter((name) => name.endsWith('.json'));
const histories = await Promise.all(
  names.map(async (name) => JSON.parse(await readFile(path.join(DIRECTORY, name), 'utf8')) as Recorded),
);

test('every workflow has a recorded history, and a day has one of each way that it can go', async () => {
  const types = histories.map(
    ({ history }) => history.events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name ?? '',
  );
  const index = await readFile(path.join(projectRoot, 'workflows/index.ts'), 'utf8');
  const workflows = [...index.matchAll(/^export \{ (\w+) /gm)].map(([, name]) => name);
  assert.deepEqual([...new Set(types)].sort(), workflows.sort());
  const record = await readFile(path.join(projectRoot, 'test/replay/record.ts'), 'utf8');
  const recorded = [...record.matchAll(/\b(?:record|save)\('([\w-]+)'/g)].map(
    ([, name]) => `${name ?? ''}.json`,
  );
  assert.deepEqual([...names].sort(), recorded.sort());
});

test('the code replays every one', async () => {
  const options = { workflowBundle: await workflowBundle() };
  let replayed = 0;
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories)) {
    const of = names.filter((_, index) => histories[index]?.workflowId === workflowId).join(' or ');
    if (error) throw new Error(`${ADVICE}\n${of}: ${error.message}`, { cause: error });
    replayed += 1;
  }
  assert.equal(replayed, names.length);
});
