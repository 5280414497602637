import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Runtime, Worker } from '@temporalio/worker';
import { projectRoot } from '../../runtime/project-root.ts';
import { NO_TRACING } from '../../runtime/tracing/start.ts';
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

Runtime.install({ logger: createLogger('ERROR'), shutdownSignals: [] });
const names = (await readdir(DIRECTORY)).filter((name) => name.endsWith('.json'));

test('every kind of run has a recorded history', () => {
  assert.ok(names.length >= 13, `only ${names.length}: ${names.join(', ')}`);
});

for (const name of names) {
  test(`the code replays ${name}`, async () => {
    const recorded = JSON.parse(await readFile(path.join(DIRECTORY, name), 'utf8')) as Recorded;
    const replayed = Worker.runReplayHistories(
      { workflowBundle: await workflowBundle(), sinks: NO_TRACING.sinks },
      [recorded],
    );
    for await (const { error } of replayed) {
      if (error) throw new Error(`${ADVICE}\n${error.message}`, { cause: error });
    }
  });
}
