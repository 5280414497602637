import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { failureOf } from '../client/harness.ts';
import { TestStack } from '../support/stack.ts';

let stack: TestStack;
before(async () => {
  stack = await TestStack.start();
  stack.deliveries.set('2024-03-06', [{ uniq_id: 'a' }]);
});
after(() => stack.close());

/** As the UI starts them: any JSON, and what the failure must name. */
const INPUTS: [workflow: string, input: unknown, named: RegExp][] = [
  ['salesIncrement', null, /the input is null/],
  ['salesIncrement', 'text', /the input is "text"/],
  ['salesIncrement', undefined, /loadDate is missing/],
  ['salesIncrement', {}, /loadDate is missing/],
  ['salesIncrement', { loadDate: '2024-02-30' }, /loadDate is "2024-02-30"/],
  ['salesIncrement', { loadDate: '9999-12-31' }, /loadDate is "9999-12-31"/],
  ['salesIncrement', { loadDate: 20240306 }, /loadDate is 20240306/],
  ['salesIncrement', { loadDate: '2024-03-06', options: null }, /options is null/],
  [
    'salesIncrement',
    { loadDate: '2024-03-06', options: { maxRejectedShare: '10%' } },
    /maxRejectedShare is "10%"/,
  ],
  [
    'salesIncrement',
    { loadDate: '2024-03-06', options: { maxRejectedShare: 1.5 } },
    /maxRejectedShare is 1\.5/,
  ],
  ['salesIncrement', { loadDate: '2024-03-06', options: { filesTimeoutMs: -1 } }, /filesTimeoutMs is -1/],
  [
    'salesIncrement',
    { loadDate: '2024-03-06', options: { optionalFiles: ['x'] } },
    /optionalFiles\.0 is "x"/,
  ],
  [
    'salesIncrement',
    { loadDate: '2024-03-06', options: { reportPollIntervalMs: '1s' } },
    /reportPollIntervalMs is "1s"/,
  ],
  ['salesIncrement', { loadDate: '2024-03-06', files: [] }, /files is \[\]/],
  [
    'salesIncrement',
    { loadDate: '2024-03-06', files: 'user_order_log_inc' },
    /files is "user_order_log_inc"/,
  ],
  ['salesIncrement', { loadDate: '2024-03-06', files: ['user_order_log'] }, /files\.0 is "user_order_log"/],
  ['salesIncrement', { loadDate: '2024-03-06', report: {} }, /report\.reportId is missing/],
  ['salesIncrement', { schedule: { timeZone: 'Moscow', offsetDays: 1 } }, /schedule\.timeZone is "Moscow"/],
  ['salesIncrement', { loadDate: '2024-03-06', tagged: true }, /tagged/],
  ['salesIncrement', { loadDate: '2024-03-06', checkpoint: {} }, /checkpoint\.startedAt is missing/],
  [
    'salesIncrement',
    {
      loadDate: '2024-03-06',
      checkpoint: {
        startedAt: '2024-03-06T00:00:00Z',
        number: 2 ** 53 - 1,
        accepted: [],
        lateAlertSent: false,
      },
    },
    /checkpoint\.number is 9007199254740991/,
  ],
  ['salesHistory', null, /the input is null/],
  ['salesHistory', { options: 1 }, /options is 1/],
  [
    'salesHistory',
    {
      checkpoint: {
        startedAt: '2024-03-06T00:00:00.000Z',
        accepted: [],
        lateAlertSent: false,
        report: { reportId: 'a', taskId: 'b', startDay: '2024-02-02' },
      },
    },
    /checkpoint\.report\.present is missing.*checkpoint\.report\.missing is missing/,
  ],
  ['salesBackfill', null, /the input is null/],
  ['salesBackfill', undefined, /the input is missing/],
  ['salesBackfill', { from: '2024-03-06', to: '2024-03-05', concurrency: 1 }, /to is "2024-03-05"/],
  ['salesBackfill', { from: '2024-03-05', to: '2024-03-06', concurrency: 0 }, /concurrency is 0/],
  [
    'salesBackfill',
    { from: '2024-03-05', to: '2024-03-06', concurrency: 101 },
    /concurrency is 101: .*1 to 100/,
  ],
  ['salesAlert', null, /the input is null/],
  ['salesAlert', undefined, /the input is missing/],
  ['salesAlert', { loadDate: 'x'.repeat(10_000) }, /kind is missing.*loadDate is "x{50}/],
  ['salesBackfill', { from: '1899-12-31', to: '2024-03-06', concurrency: 1 }, /from is "1899-12-31"/],
];

describe(
  'an input that is no input fails at once and is named (contract, ruling 21)',
  { concurrency: 6 },
  () => {
    for (const [index, [workflow, input, named]] of INPUTS.entries()) {
      test(`${workflow} ${JSON.stringify(input)}`, async () => {
        const run = stack.client.workflow.execute(workflow, {
          workflowId: `${stack.taskQueue}-input-${index}`,
          taskQueue: stack.taskQueue,
          args: input === undefined ? [] : [input],
          workflowExecutionTimeout: '4m',
        });
        const { type, message } = await failureOf(run);
        assert.equal(type, 'InvalidInput', message);
        assert.match(message, named);
      });
    }

    test('none of them has left a trace', async () => {
      assert.deepEqual(await stack.rows('select from staging.day_load'), []);
      assert.deepEqual(await stack.rows('select from staging.file_load'), []);
    });
  },
);
