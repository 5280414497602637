import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import packageFile from '../../package.json' with { type: 'json' };
import { BACKFILL_PRIORITY } from '../../domain/priority.ts';
import { addDays } from '../../domain/load-date.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { runOptions } from '../../runtime/run-options.ts';
import type { salesBackfill, salesIncrement } from '../../workflows/index.ts';
import { DEFAULT_CONCURRENCY } from '../../client/arguments.ts';
import { SAMPLE_CREDENTIALS } from '../sample-api/credentials.ts';
import type { DeliverySource } from '../sample-api/delivery.ts';
import { generatedFiles } from '../sample-api/generate-increment.ts';
import { generatedSource } from '../sample-api/generated-source.ts';
import { startSampleApi, type SampleApi } from '../sample-api/server.ts';
import { startService, untilReady, type Service } from '../services/child-process.ts';
import { findTemporalCli } from '../services/temporal-cli.ts';
import { startTemporalServer } from '../services/temporal-server.ts';
import { createByHand, loadByHand } from './by-hand/by-hand.ts';
import { Figures, median, megabytesOf, rounded, secondsOf } from './figures.ts';
import { writeOrders } from './load.ts';
import { BenchServer } from './server.ts';

const TASK_QUEUE = 'bench';
const FIRST_DAY = '2024-02-25';
const LARGE_DAY = '2034-01-01';
/** What the development server of this project sets, as Temporal has it by default. */
const SERVER_DEFAULTS = ['history.timerProcessorMaxTimeShift="1s"', 'history.transferProcessorMaxPollRPS=20'];

interface DaysOptions {
  days: number;
  concurrency: number;
  besideDays: number;
  waiting: number;
  workers: number;
  largeRows: number;
}

/** What a day costs beside its data: history events and time of single days, of a backfill, of days that wait. */
export async function measureDays(options: DaysOptions): Promise<void> {
  const figures = new Figures('days');
  const stops: (() => Promise<unknown>)[] = [];
  await BenchServer.use(async ({ directory, template }) => {
    try {
      const cli = await findTemporalCli({ log: console.error });
      const temporal = await startTemporalServer({
        cliPath: cli.path,
        uiPort: false,
        dbFile: path.join(directory, 'temporal.db'),
        logFile: path.join(directory, 'temporal.log'),
      });
      stops.push(() => temporal.stop());
      const large = await writeOrders(directory, LARGE_DAY, options.largeRows);
      const api = await startSampleApi({ source: sourceWith(large), pollsUntilReady: 0 });
      stops.push(() => api.close());
      const client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
      stops.push(() => client.connection.close());
      const environment = {
        REPORT_API_URL: api.url,
        ...SAMPLE_CREDENTIALS,
        DATABASE_URL: template,
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_TASK_QUEUE: TASK_QUEUE,
        LOG_LEVEL: 'WARN',
      };
      let worker: Service | undefined;
      for (let nth = 1; nth <= options.workers; nth += 1) {
        const started = await startWorker(directory, nth, environment);
        worker ??= started;
        stops.push(() => started.stop());
        const seconds = await secondsOf(() =>
          untilReady(started, 'the worker', 60_000, async () => (await pollers(client)) >= nth),
        );
        if (nth === 1) await figures.add({ what: 'seconds to the first poll', measured: rounded(seconds) });
      }
      if (!worker) throw new Error('There must be at least one worker.');
      await figures.add({ what: 'MB of the idle worker', measured: await megabytesOf(worker.pid, 'VmRSS') });
      await singleDays(client, figures);
      await largeDay(client, template, large, worker.pid, figures);
      await backfill(client, options, figures);
      await runsBeside(client, options, environment, figures);
      await waitingDays(client, api, options.waiting, worker.pid, figures);
      api.setReady({ readyAfterMs: 0 });
      await onDefaults(cli.path, directory, environment, figures);
    } finally {
      for (const stop of stops.reverse()) await stop();
    }
  });
  figures.print();
}

/** Days of the real size, and a large one, whose orders are on disk. */
function sourceWith(large: string): DeliverySource {
  const usual = generatedSource();
  const files = { ...generatedFiles('increment', [LARGE_DAY]), user_order_log_inc: { path: large } };
  return {
    increment: (date) => (date === LARGE_DAY ? { files } : usual.increment(date)),
    report: () => usual.report(),
  };
}

async function startWorker(directory: string, nth: number, environment: object): Promise<Service> {
  const name = `worker-${nth}`;
  return await startService({
    name,
    command: 'sh',
    args: ['-c', packageFile.scripts.worker],
    cwd: projectRoot,
    logFile: path.join(directory, `${name}.log`),
    env: { ...process.env, ...environment, LANDING_DIR: path.join(directory, name) },
  });
}

async function startDay(client: Client, loadDate: string, settings: Record<string, string> = {}) {
  return await client.workflow.start<typeof salesIncrement>('salesIncrement', {
    workflowId: loadDate,
    taskQueue: TASK_QUEUE,
    args: [{ loadDate, options: runOptions({ FILES_TIMEOUT: '1m', LATE_AFTER: '0s', ...settings }) }],
  });
}

async function singleDays(client: Client, figures: Figures, where = ''): Promise<void> {
  const seconds: number[] = [];
  let events = 0;
  for (let day = 0; day < 12; day += 1) {
    const started = performance.now();
    const handle = await startDay(client, addDays(FIRST_DAY, day));
    await handle.result();
    // The first ones warm the worker up.
    if (day >= 2) seconds.push((performance.now() - started) / 1_000);
    events = (await handle.describe()).historyLength;
  }
  await figures.add({
    what: `seconds of a day of the real size, median of 10${where}`,
    measured: rounded(median(seconds)),
  });
  await figures.add({ what: `history events of a day${where}`, measured: events });
}

/** The whole workflow, download included, beside SQL by hand on the same file on disk, each a first time and again. */
async function largeDay(
  client: Client,
  url: string,
  csvPath: string,
  pid: number,
  figures: Figures,
): Promise<void> {
  const add = async (what: string, measured: number) => {
    await figures.add({ what: `the large day: ${what}`, measured });
  };
  await writeFile(`/proc/${pid}/clear_refs`, '5'); // the peak begins anew
  const product: number[] = [];
  for (let round = 0; round < 2; round += 1) {
    const handle = await startDay(client, LARGE_DAY);
    product.push(await secondsOf(() => handle.result()));
    const steps = [...stepsOf(await handle.fetchHistory())].filter(([, longest]) => longest >= 0.1);
    for (const [step, longest] of steps) await add(`seconds of ${step}`, rounded(longest));
  }
  await add('peak MB of the worker', await megabytesOf(pid, 'VmHWM'));
  await createByHand(url);
  const byHand = [await loadByHand(url, csvPath, LARGE_DAY), await loadByHand(url, csvPath, LARGE_DAY)];
  for (const [nth, name] of ['first load', 'the same file again'].entries()) {
    const [mine = NaN, theirs = NaN] = [product[nth], byHand[nth]];
    await add(`seconds, ${name}`, rounded(mine));
    await add(`seconds by hand, ${name}`, rounded(theirs));
    await add(`ratio, ${name}`, rounded(mine / theirs));
  }
}

/** Seconds from start to end of each kind of activity; of those side by side, the longest. */
function stepsOf({ events }: Awaited<ReturnType<WorkflowHandle['fetchHistory']>>): Map<string, number> {
  const names = new Map<string, string>();
  const starts = new Map<string, number>();
  const seconds = new Map<string, number>();
  for (const event of events ?? []) {
    const { activityTaskScheduledEventAttributes: scheduled, activityTaskStartedEventAttributes: started } =
      event;
    const { activityTaskCompletedEventAttributes: completed } = event;
    const at = Number(event.eventTime?.seconds ?? 0) + (event.eventTime?.nanos ?? 0) / 1e9;
    if (scheduled) names.set(String(event.eventId), scheduled.activityType?.name ?? '');
    if (started) starts.set(String(started.scheduledEventId), at);
    if (!completed) continue;
    const [name, start] = [names, starts].map((of) => of.get(String(completed.scheduledEventId)));
    if (typeof name !== 'string' || typeof start !== 'number')
      throw new Error('An activity ended before it began.');
    seconds.set(name, Math.max(seconds.get(name) ?? 0, at - start));
  }
  return seconds;
}

async function startBackfill(client: Client, from: string, days: number, concurrency: number) {
  return await client.workflow.start<typeof salesBackfill>('salesBackfill', {
    workflowId: `backfill-${from}`,
    taskQueue: TASK_QUEUE,
    priority: BACKFILL_PRIORITY,
    args: [{ from, to: addDays(from, days - 1), concurrency, options: runOptions({ LATE_AFTER: '0s' }) }],
  });
}

async function backfill(client: Client, { days, concurrency }: DaysOptions, figures: Figures): Promise<void> {
  let failed = 0;
  const seconds = await secondsOf(async () => {
    const handle = await startBackfill(client, addDays(FIRST_DAY, 100), days, concurrency);
    failed = (await handle.result()).failed;
  });
  await figures.add({
    what: `seconds of a backfill of ${days} days, ${concurrency} at a time`,
    measured: rounded(seconds, 1),
  });
  await figures.add({ what: 'days a second of it', measured: rounded(days / seconds, 1) });
  await figures.add({ what: 'failed days of it', measured: failed });
}

/** A person's `run`, alone and while a backfill with the client's default concurrency is under way. */
async function runsBeside(
  client: Client,
  { besideDays }: DaysOptions,
  environment: Record<string, string>,
  figures: Figures,
): Promise<void> {
  const run = promisify(execFile);
  const command = ['--import', './runtime/register.js', 'client/main.ts', 'run', '--date'];
  let date = addDays(FIRST_DAY, 50);
  const medianRun = async () => {
    const seconds: number[] = [];
    for (let nth = 0; nth < 7; nth += 1) {
      date = addDays(date, 1);
      const options = { cwd: projectRoot, env: { ...process.env, ...environment } };
      seconds.push(await secondsOf(() => run(process.execPath, [...command, date], options)));
    }
    return rounded(median(seconds));
  };
  await figures.add({ what: 'seconds of `client run`', measured: await medianRun() });
  const handle = await startBackfill(client, addDays(FIRST_DAY, 5_000), besideDays, DEFAULT_CONCURRENCY);
  await figures.add({
    what: `seconds of \`client run\` beside a backfill of ${besideDays} days, ${DEFAULT_CONCURRENCY} at a time`,
    measured: await medianRun(),
  });
  if ((await handle.describe()).status.name !== 'RUNNING') throw new Error('The backfill was over too soon.');
  await handle.terminate();
}

/** Days whose report is not ready for an hour, and what they hold of the worker meanwhile. */
async function waitingDays(client: Client, api: SampleApi, count: number, pid: number, figures: Figures) {
  const polls = () => api.requests.filter(({ endpoint }) => endpoint === 'get_report').length;
  api.setReady({ readyAfterMs: 3_600_000 });
  const [before, asked] = [await megabytesOf(pid, 'VmRSS'), polls()];
  const handles = [];
  for (let day = 0; day < count; day += 1) {
    handles.push(await startDay(client, addDays('2010-01-01', day), { REPORT_POLL_INTERVAL: '10m' }));
  }
  while (polls() < asked + count) await sleep(500);
  await sleep(5_000);
  let held = 0;
  for (const handle of handles) held += (await handle.describe()).raw.pendingActivities?.length ?? 0;
  await figures.add({ what: `activity slots held by ${count} waiting days`, measured: held });
  await figures.add({ what: 'MB of the worker before', measured: before });
  await figures.add({ what: 'MB of the worker with them', measured: await megabytesOf(pid, 'VmRSS') });
}

/** Single days on a server with Temporal's own defaults, which looks for tasks 20 times a second. */
async function onDefaults(
  cliPath: string,
  directory: string,
  environment: object,
  figures: Figures,
): Promise<void> {
  const temporal = await startTemporalServer({
    cliPath,
    uiPort: false,
    dbFile: path.join(directory, 'temporal-defaults.db'),
    logFile: path.join(directory, 'temporal-defaults.log'),
    dynamicConfig: SERVER_DEFAULTS,
  });
  const client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
  const worker = await startWorker(directory, 0, { ...environment, TEMPORAL_ADDRESS: temporal.address });
  try {
    await singleDays(client, figures, ', on a server with defaults');
  } finally {
    await worker.stop();
    await client.connection.close();
    await temporal.stop();
  }
}

async function pollers(client: Client): Promise<number> {
  const taskQueue = { name: TASK_QUEUE };
  const found = await client.workflowService.describeTaskQueue({ namespace: 'default', taskQueue });
  return found.pollers.length;
}
