import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startWorkerProcess } from '../support/processes.ts';
import { until } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';

test('the worker that downloaded dies for good: the day ends on another, with another disk', async () => {
  const stack = await TestStack.start({ worker: false });
  const directories = await Promise.all(
    ['first-', 'second-'].map((name) => mkdtemp(path.join(tmpdir(), name))),
  );
  const [first = '', second = ''] = directories;
  try {
    stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
    // The last file takes long, so that the worker has landed the others and staged nothing.
    stack.api.addFault({ on: 'storage', file: 'price_log_inc', times: 1, do: 'hang' });
    const doomed = await startWorkerProcess({ ...stack.environment, LANDING_DIR: first });
    const handle = await stack.startDay('2024-02-25');
    const landed = path.join(first, '2024-02-25', 'user_order_log_inc.csv');
    await until('the first file is landed', () => existsSync(landed));
    const other = await startWorkerProcess({ ...stack.environment, LANDING_DIR: second });
    const killedAt = Date.now();
    doomed.kill('SIGKILL');
    const { outcome, files } = await handle.result();
    const seconds = (Date.now() - killedAt) / 1_000;
    assert.equal(outcome, 'loaded');
    assert.equal(files.user_order_log_inc?.rows_kept, 1);
    assert.ok(existsSync(path.join(second, '2024-02-25', 'user_order_log_inc.csv')));
    // Lost while it worked: noticed within 5 s; not taking the next try: within 5 s more. The rest is slow machines.
    assert.ok(seconds < 20, `it took ${seconds} s`);
    console.log(`from the kill to the day's end on the other worker: ${seconds} s`);
    other.kill('SIGTERM');
    assert.equal((await other.ended).code, 0);
  } finally {
    for (const directory of directories) await rm(directory, { recursive: true, force: true });
    await stack.close();
  }
});

test('the landing queue of a directory survives a restart', async () => {
  const stack = await TestStack.start({ worker: false });
  try {
    const one = await stack.startWorker();
    one.stop();
    await one.stopped;
    const two = await stack.startWorker();
    assert.equal(one.landingTaskQueue, two.landingTaskQueue);
    assert.match(one.landingTaskQueue, new RegExp(`^${stack.taskQueue}@`));
  } finally {
    await stack.close();
  }
});
