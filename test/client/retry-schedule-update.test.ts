import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScheduleNotFoundError } from '@temporalio/client';
import { retryScheduleUpdate } from '../../client/retry-schedule-update.ts';

test('an update of a schedule that is not found for a moment is tried five times; other errors end it at once', async () => {
  let calls = 0;
  const failing = (times: number, error: Error) => () => {
    calls += 1;
    return calls <= times ? Promise.reject(error) : Promise.resolve('done');
  };
  const gone = new ScheduleNotFoundError('workflow execution already completed', 'daily');
  assert.equal(await retryScheduleUpdate(failing(4, gone), 1), 'done');
  assert.equal(calls, 5);
  calls = 0;
  await assert.rejects(retryScheduleUpdate(failing(5, gone), 1), gone);
  calls = 0;
  await assert.rejects(retryScheduleUpdate(failing(1, new Error('other')), 1), /other/);
  assert.equal(calls, 1);
});
