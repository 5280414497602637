import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeLeft } from '../../client/follow.ts';

test('the progress of a backfill has the time that is left, by the days done since the command began', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  const shown = timeLeft();
  const first = '10 of 40 days done, 1 failed. Running: 2024-03-11.';
  assert.equal(shown(first), first, 'no pace is known yet');
  t.mock.timers.setTime(60_000);
  assert.equal(
    shown('20 of 40 days done, 1 failed. Running: 2024-03-21.'),
    '20 of 40 days done, 1 failed, about 2m left. Running: 2024-03-21.',
  );
  for (const line of ['40 of 40 days done, 1 failed. Running: none.', 'Waiting for the report.'])
    assert.equal(shown(line), line);
});
