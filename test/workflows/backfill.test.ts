import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { eachDay } from '../../domain/load-date.ts';
import type { BackfillState } from '../../workflows/steps/backfill-control.ts';
import { client, start, startWorkerProcess } from '../support/processes.ts';
import { until } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';

const stack = await TestStack.start();
after(() => stack.close());

async function runBackfill(args: string[]) {
  const { code, stdout } = await client(['backfill', ...args, '--json'], stack.environment);
  return { code, result: JSON.parse(stdout) as BackfillDocument };
}

/** `backfill --json`. */
interface BackfillDocument {
  loaded: string[];
  no_increment: string[];
  failed: { date: string; error: string }[];
}

function countReports(): number {
  return stack.api.requests.filter(({ endpoint }) => endpoint === 'generate_report').length;
}

describe('backfill', () => {
  test('loads a range with one report, goes on past failing days, ends with 1 and names them', async () => {
    for (const day of eachDay('2024-03-01', '2024-03-10'))
      stack.deliveries.set(day, [{ uniq_id: `${day}-a` }]);
    stack.deliveries.byDate.delete('2024-03-04');
    stack.deliveries.set('2024-03-07', '<html>gone</html>');
    const before = countReports();
    const { code, result } = await runBackfill(
      '--from 2024-03-01 --to 2024-03-10 --concurrency 3'.split(' '),
    );
    assert.equal(code, 1);
    assert.equal(countReports() - before, 1);
    assert.equal(result.loaded.length, 8);
    assert.deepEqual(result.no_increment, ['2024-03-04']);
    assert.deepEqual(
      result.failed.map(({ date }) => date),
      ['2024-03-07'],
    );
    assert.match(result.failed[0]?.error ?? '', /user_order_log_inc of 2024-03-07 is refused: it is an HTML/);

    stack.deliveries.set('2024-03-07', [{ uniq_id: 'late' }]);
    const again = await runBackfill(['--from', '2024-03-01', '--to', '2024-03-10', '--only-missing']);
    assert.equal(again.code, 0);
    assert.deepEqual(again.result.loaded, ['2024-03-07']);
    const state = await stack.client.workflow
      .getHandle(`${stack.taskQueue}-backfill-2024-03-01-2024-03-10`)
      .query<BackfillState>('progress');
    assert.deepEqual([state.days, state.loaded], [1, 1], 'only the days that were open count');
  });

  test('survives the death of its worker five times over 60 days', { timeout: 300_000 }, async () => {
    const days = eachDay('2024-04-01', '2024-05-30');
    for (const day of days) stack.deliveries.set(day, [{ uniq_id: day }]);
    const environment = { ...stack.environment, TEMPORAL_TASK_QUEUE: `${stack.taskQueue}-killed` };
    const before = countReports();
    const backfill = client(
      ['backfill', '--from', '2024-04-01', '--to', '2024-05-30', '--concurrency', '4', '--json'],
      environment,
    );
    let worker = await startWorkerProcess(environment);
    // A crash between the report's answer and its record may ask for a second one (contract, ruling 19).
    await until('the first day begins', () =>
      stack.api.requests.some(({ path }) => path.includes('2024-04-01')),
    );
    for (let kill = 0; kill < 5; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, 700));
      worker.kill('SIGKILL');
      await worker.ended;
      worker = await startWorkerProcess(environment);
    }
    const { code, stdout, stderr } = await backfill;
    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0);
    assert.equal(code, 0, stdout);
    assert.deepEqual((JSON.parse(stdout) as BackfillDocument).loaded, days);
    assert.equal(countReports() - before, 1);
    const done = [...stderr.matchAll(/^(\d+) of 60 days/gm)].map(([, count]) => Number(count));
    assert.ok(done.length > 3, stderr);
    assert.deepEqual(
      done,
      done.toSorted((a, b) => a - b),
      'progress never goes backwards',
    );
    const [sales] = await stack.rows<{ facts: number }>(
      'select count(*)::int as facts from mart.f_sales where load_date between $1 and $2',
      [days[0], days.at(-1)],
    );
    assert.equal(sales?.facts, 60);
  });

  test('is paused, resumed, changed in concurrency, joined by a second start, and cancelled', async () => {
    for (const day of eachDay('2024-07-01', '2024-07-20')) stack.deliveries.set(day, [{ uniq_id: day }]);
    const range = ['--from', '2024-07-01', '--to', '2024-07-20'];
    const first = start(
      ['client/main.ts', 'backfill', ...range, '--concurrency', '1', '--json'],
      stack.environment,
    );
    await first.says('Started');
    assert.equal((await client(['backfill', ...range, '--pause'], stack.environment)).code, 0);
    const handle = stack.client.workflow.getHandle(`${stack.taskQueue}-backfill-2024-07-01-2024-07-20`);
    const paused = await handle.query<BackfillState>('progress');
    assert.equal(paused.paused, true);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const later = await handle.query<BackfillState>('progress');
    assert.ok(later.loaded <= paused.loaded + 1, 'only the day that was running has ended');
    assert.equal((await client(['backfill', ...range, '--resume'], stack.environment)).code, 0);
    const second = start(
      ['client/main.ts', 'backfill', ...range, '--concurrency', '3', '--json'],
      stack.environment,
    );
    await second.says('Now loading up to 3 days in parallel');
    assert.equal((await handle.query<BackfillState>('progress')).concurrency, 3);
    await assert.rejects(handle.executeUpdate('setConcurrency', { args: [0] }));
    await handle.cancel();
    for (const { code, stdout } of [await first.ended, await second.ended]) {
      assert.equal(code, 1);
      assert.match(stdout, /"error": "The run was cancelled\."/);
    }
    // Its days have stopped cleanly: none runs on.
    const running = stack.client.workflow.list({
      query: `TaskQueue = '${stack.taskQueue}' AND ExecutionStatus = 'Running'`,
    });
    for await (const { workflowId } of running) {
      // The list may lag behind.
      const { status } = await stack.client.workflow.getHandle(workflowId).describe();
      assert.notEqual(status.name, 'RUNNING', `${workflowId} runs on`);
    }
  });
});
