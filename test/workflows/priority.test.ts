import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDay } from '../../domain/load-date.ts';
import type { BackfillState } from '../../workflows/steps/backfill-control.ts';
import { kill, until } from '../client/harness.ts';
import { client, start } from '../support/processes.ts';
import { TestStack } from '../support/stack.ts';

test('a run goes before a backfill that fills the only worker', async (t) => {
  // Two slots for steps, and forty days that want them.
  const stack = await TestStack.start({ settings: { DATABASE_POOL_SIZE: '4' } });
  t.after(() => stack.close());
  const days = eachDay('2023-01-01', '2023-07-19');
  const today = '2024-03-01';
  for (const day of [...days, today]) stack.deliveries.set(day, [{ uniq_id: day }]);
  const range = ['--from', days[0] ?? '', '--to', days.at(-1) ?? ''];
  const backfill = start(
    ['client/main.ts', 'backfill', ...range, '--concurrency', '40', '--json'],
    stack.environment,
  );
  t.after(() => kill(backfill));
  const handle = stack.client.workflow.getHandle(`${stack.taskQueue}-backfill-${range[1]}-${range[3]}`);
  const loaded = async () => (await handle.query<BackfillState>('progress')).loaded;
  await backfill.says('Started');
  await until('the backfill is under way', async () => (await loaded()) > 0);
  const before = await loaded();
  const { code, stderr } = await client(['run', '--date', today, '--json'], stack.environment);
  assert.equal(code, 0, stderr);
  const meanwhile = (await loaded()) - before;
  t.diagnostic(`${meanwhile} days were loaded meanwhile`);
  // In turn with the others it would be through after the forty days in progress.
  assert.ok(meanwhile < 20, `${meanwhile} days were loaded meanwhile`);
  await handle.cancel();
  assert.equal((await backfill.ended).code, 1);
});
