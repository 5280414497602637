import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScheduleNotFoundError } from '@temporalio/client';
import { steadily } from '../../client/steadily.ts';

test('a schedule that is not found for a moment is asked again, some times; other errors are told at once', async () => {
  let calls = 0;
  const failing = (times: number, error: Error) => () => {
    calls += 1;
    return calls <= times ? Promise.reject(error) : Promise.resolve('done');
  };
  const gone = new ScheduleNotFoundError('workflow execution already completed', 'daily');
  assert.equal(await steadily(failing(4, gone), 1), 'done');
  assert.equal(calls, 5);
  calls = 0;
  await assert.rejects(steadily(failing(5, gone), 1), gone);
  calls = 0;
  await assert.rejects(steadily(failing(1, new Error('other')), 1), /other/);
  assert.equal(calls, 1);
});
