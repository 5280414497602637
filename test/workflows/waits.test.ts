import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { Activities } from '../../activities/index.ts';
import type { DayResult } from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import { failureOf, until } from '../client/harness.ts';
import { FakeQueue, fakeDays, inTurn, type FakeDay } from '../support/fake-day.ts';
import { FAST_OPTIONS } from '../support/fast-options.ts';
import { resetPoints, resetRun, type EventId } from '../support/reset.ts';
import {
  ALL_FEEDS,
  final,
  incrementWithout,
  landsAllBut,
  REPORT,
  USUAL_ANSWERS,
  type Answers,
} from '../support/usual-answers.ts';

const DATE = '2024-02-25';
const NO_PRICES = incrementWithout('price_log');
const NOT_READY: Partial<Answers> = { getReport: () => undefined };
/** Longer than an answer is taken for a fresh one. */
const WHILE_MS = 2_500;
const LANDING_MS = 45_000;

const MAX_EVENTS = 10_000;
const WEEK_MS = 604_800_000;

const given = fakeDays();

type Run = WorkflowHandleWithFirstExecutionRunId;
type HistoryEvent = NonNullable<Awaited<ReturnType<Run['fetchHistory']>>['events']>[number];

/** The points up to the first step of that name, with the one that asks for it. */
async function pointsBefore(day: FakeDay, run: Run, step: string): Promise<EventId[]> {
  const { workflowId, firstExecutionRunId: runId } = run;
  const { events = [] } = await day.client.workflow.getHandle(workflowId, runId).fetchHistory();
  const first = events?.find(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === step,
  );
  const points = await resetPoints(day, workflowId, runId);
  return points.filter((point) => Number(point) < Number(first?.eventId));
}

/** Resets the run to all the points; each of them is loaded, and asks before it. */
async function allLoad(day: FakeDay, run: Run, points: EventId[], asks: keyof Activities): Promise<void> {
  for (const point of points) {
    const before = day.count(asks);
    const outcome = await resetRun(day, run.workflowId, run.firstExecutionRunId, point);
    assert.equal(outcome, 'loaded', `event ${String(point)}`);
    assert.ok(day.count(asks) > before, `${asks} is called after event ${String(point)}`);
  }
}

describe(
  'a run that is reset into its wait, after the limit has passed, asks once more (contract, ruling 45)',
  { concurrency: true },
  () => {
    const cases: [says: RegExp, options: object, asks: keyof Activities, waits: Partial<Answers>][] = [
      [
        /2024-02-25 lacks price_log_inc after 300ms \(FILES_TIMEOUT\); nothing was loaded/,
        { filesTimeoutMs: 300 },
        'getIncrement',
        { getIncrement: () => NO_PRICES },
      ],
      [/REPORT_TIMEOUT/, { reportTimeoutMs: 300 }, 'getReport', NOT_READY],
    ];
    for (const [says, options, asks, waits] of cases)
      test(`from every point of a run that failed by ${Object.keys(options).join()}`, async () => {
        const day = given(waits);
        const run = await day.start({ ...options, reportPollIntervalMs: 150 });
        assert.match((await failureOf(run.result())).message, says);
        assert.equal(day.count('landFile'), 0);
        const points = await pointsBefore(day, run, 'recordFailure');
        // Before planDay, claimDay, generateReport and the question, at least.
        assert.ok(points.length >= 4, `${points.length} points`);
        await sleep(WHILE_MS);
        day.answers = {};
        const told = day.count('sendAlert');
        await allLoad(day, run, points, asks);
        assert.equal(day.count('sendAlert'), told);
      });

    test('a backfill as well', async () => {
      const planBackfill = () => ({
        options: { ...FAST_OPTIONS, reportTimeoutMs: 300 },
        ...{ tagged: false, hasWebhook: true, days: [DATE], daysLeft: 1 },
      });
      const day = given({ ...NOT_READY, planBackfill, failBackfillDays: () => 1 });
      const run = await day.startRun('salesBackfill', { from: DATE, to: DATE, concurrency: 1 });
      assert.deepEqual(await run.result(), { from: DATE, to: DATE, loaded: 0, no_increment: 0, failed: 1 });
      const points = await pointsBefore(day, run, 'failBackfillDays');
      await sleep(WHILE_MS);
      day.answers = { planBackfill };
      for (const point of points) {
        await resetRun(day, run.workflowId, run.firstExecutionRunId, point);
        const { loaded } = (await day.client.workflow.getHandle(run.workflowId).result()) as {
          loaded: number;
        };
        assert.equal(loaded, 1, `event ${String(point)}`);
      }
    });

    test('a file that could not be landed is asked for once more', async () => {
      const day = given({
        landFile: landsAllBut('price_log', failure('FileNotAvailable', 'It is not there.')),
      });
      const run = await day.start({ filesTimeoutMs: 300 });
      const { message } = await failureOf(run.result());
      assert.match(message, /lacks price_log_inc after 300ms \(FILES_TIMEOUT\)/);
      const points = await pointsBefore(day, run, 'recordFailure');
      // At the last ones its failure has come already: it is too old when landing cannot have taken so long.
      await sleep(LANDING_MS);
      day.answers = {};
      await allLoad(day, run, points.slice(-7), 'landFile');
    });

    test('FILES_TIMEOUT ends it as well where the API fails once the files are listed', async () => {
      const day = given({
        landFile: inTurn(final(failure('ReportApiUnavailable', 'The report API answered 503.'))),
      });
      const { message } = await failureOf((await day.start({ filesTimeoutMs: 300 })).result());
      assert.match(message, /\(FILES_TIMEOUT\); nothing was loaded\. The report API answered 503/);
      assert.equal(day.argsOf('recordFailure')[0]?.[1].errorType, 'FilesMissing');
    });

    test('LATE_AFTER: the day is not told as late for being reset', async () => {
      const late = given(NOT_READY);
      await failureOf((await late.start({ reportTimeoutMs: 500, lateAfterMs: 3_600_000 })).result());
      await until('it is told', () => late.count('sendAlert') > 0);
      assert.deepEqual(
        late.argsOf('sendAlert').map(([{ kind }]) => kind),
        ['failed'],
      );
      // A reset long after: as if the run had begun the day before.
      const startedAt = new Date(Date.now() - 86_400_000).toISOString();
      const again = given();
      const checkpoint = { startedAt, accepted: [], lateAlertSent: false };
      await (await again.start({ lateAfterMs: 3_600_000 }, { checkpoint })).result();
      assert.equal(again.count('sendAlert'), 0);
    });
  },
);

test('rows that are gone when the run comes to them are landed again, by the rules of the first landing', async () => {
  const gone = failure('LandedRowsGone', 'Its rows are gone.');
  const lands = inTurn<string>('well', final(failure('FileNotAvailable', 'It is not there.')), 'well');
  const stages = inTurn<string>(gone, gone, 'well');
  const day = given({
    landFile: (file, report, share) => {
      if (file.feed === 'price_log') lands();
      return USUAL_ANSWERS.landFile(file, report, share);
    },
    stageFile: (file) => {
      if (file.feed === 'price_log') stages();
      return USUAL_ANSWERS.stageFile(file);
    },
  });
  assert.equal((await (await day.start({ filesTimeoutMs: 600_000 })).result()).outcome, 'loaded');
  const files = (step: 'landFile' | 'stageFile') => day.argsOf(step).map(([{ feed }]) => feed);
  const [others, again] = [ALL_FEEDS.filter((feed) => feed !== 'price_log'), 'price_log'];
  const all = [...others, again];
  // It cannot be had at the second landing: the run waits for it and lands all of them once more.
  assert.deepEqual(files('landFile').sort(), [...all, again, ...all, again].sort());
  assert.deepEqual(files('stageFile').sort(), [...all, ...all, again].sort());
});

test('a bootstrap whose files cannot be had ends by FILES_TIMEOUT, and goes on where they come before', async () => {
  const landFile = inTurn(failure('FileNotAvailable', 'It is not there.'));
  const fails = await given({ landFile }).startRun('salesHistory', { options: { filesTimeoutMs: 300 } });
  assert.equal((await failureOf(fails.result())).type, 'FilesNotLanded');
  const day = given({ landFile });
  const heals = await day.startRun('salesHistory', { options: { filesTimeoutMs: 600_000 } });
  await until('it has tried', () => day.count('landFile') > ALL_FEEDS.length);
  day.answers = {};
  assert.equal(((await heals.result()) as { outcome: string }).outcome, 'loaded');
});

describe('a run whose workers were away for longer than the limit asks once more', () => {
  test('in the wait for a report, and for files', async (t) => {
    const queue = await FakeQueue.start();
    t.after(() => queue.close());
    const stop = await queue.startWorker();
    const days = [queue.day(NOT_READY), queue.day({ getIncrement: () => NO_PRICES })];
    const runs: Run[] = [];
    for (const day of days)
      runs.push(
        await day.start({ reportTimeoutMs: 1_000, filesTimeoutMs: 1_000, reportPollIntervalMs: 60_000 }),
      );
    const asked = () => [days[0]?.count('getReport'), days[1]?.count('getIncrement')] as number[];
    await until('both have asked', () => asked().every((count) => count > 0));
    await stop();
    await sleep(WHILE_MS);
    for (const day of days) day.answers = {};
    const before = asked();
    await queue.startWorker();
    for (const [index, run] of runs.entries()) {
      assert.equal(((await run.result()) as DayResult).outcome, 'loaded');
      assert.ok(Number(asked()[index]) > Number(before[index]));
    }
  });

  test('also where the question waited for a worker all the time', async (t) => {
    const queue = await FakeQueue.start();
    t.after(() => queue.close());
    await queue.startWorker({}, { steps: false });
    const stop = await queue.startWorker({}, { workflows: false });
    const generateReport = () => {
      void stop();
      return 'task';
    };
    const run = await queue.day({ generateReport }).start({ reportTimeoutMs: 1_000 });
    await until('the first question has been given up', async () => {
      const { events } = await run.fetchHistory();
      return (events ?? []).some((event) => event.activityTaskTimedOutEventAttributes);
    });
    await queue.startWorker({}, { workflows: false });
    assert.equal((await run.result()).outcome, 'loaded');
  });
});

async function untilContinuedAsNew(run: Run): Promise<void> {
  await until('it has continued as new', async () => {
    return (await run.describe()).runId !== run.firstExecutionRunId;
  });
}

/** The lengths of the histories of all runs of a workflow. */
async function historyLengths({ client }: FakeDay, run: Run): Promise<number[]> {
  const lengths: number[] = [];
  for await (const { historyLength } of client.workflow.list({ query: `WorkflowId = '${run.workflowId}'` }))
    lengths.push(historyLength);
  return lengths;
}

function kindOf(event: HistoryEvent): string {
  if (event.activityTaskScheduledEventAttributes) return 'begun ';
  if (event.activityTaskCompletedEventAttributes) return 'done ';
  if (event.timerFiredEventAttributes) return 'over ';
  if (!event.timerStartedEventAttributes) return '';
  return `wait for ${Buffer.from(event.userMetadata?.summary?.data ?? []).toString()} `;
}

describe(
  'a wait ends by time, never by the size of a history (contract, ruling 17)',
  { concurrency: true },
  () => {
    test('for a report', async () => {
      const day = given(NOT_READY);
      const run = await day.start({ reportPollIntervalMs: 1, reportTimeoutMs: WEEK_MS });
      await untilContinuedAsNew(run);
      day.answers.getReport = () => REPORT;
      assert.equal((await run.result()).outcome, 'loaded');
      assert.equal(day.count('generateReport'), 1, 'one run asks for one report');
      await until('the runs are listed', async () => (await historyLengths(day, run)).length >= 2);
      for (const length of await historyLengths(day, run)) assert.ok(length < MAX_EVENTS, `${length} events`);
      const { workflowId, firstExecutionRunId } = run;
      const { events } = await day.client.workflow.getHandle(workflowId, firstExecutionRunId).fetchHistory();
      // Durable timers that hold no slot: no step is open when a wait begins, and none begins before it is over.
      const waits = 'done wait for "until the next poll" over begun ';
      assert.ok((events ?? []).map(kindOf).join('').includes(waits.repeat(20)));
    });

    test('for a file that storage does not have', async () => {
      const reason = failure('FileNotAvailable', 'the storage answered 404');
      const day = given({ landFile: landsAllBut('price_log', reason) });
      const run = await day.start({ reportPollIntervalMs: 1, filesTimeoutMs: WEEK_MS });
      await untilContinuedAsNew(run);
      await run.executeUpdate('proceedWithout', { args: [['price_log_inc']] });
      assert.equal((await run.result()).outcome, 'loaded');
      assert.equal(day.count('generateReport'), 1);
      assert.deepEqual(day.argsOf('updateFSales')[0]?.[1].acceptedMissing, ['price_log_inc']);
    });

    test('REPORT_TIMEOUT is the limit also where the API answers 503, whatever FILES_TIMEOUT is', async () => {
      const day = given({
        getReport: inTurn(failure('ReportApiUnavailable', 'The report API answered 503')),
      });
      const { message } = await failureOf(
        (await day.start({ reportTimeoutMs: 1_000, filesTimeoutMs: WEEK_MS })).result(),
      );
      assert.match(message, /503|REPORT_TIMEOUT/);
      assert.equal(day.count('getIncrement'), 0);
      assert.equal(day.count('recordFailure'), 1);
    });
  },
);
