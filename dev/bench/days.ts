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
import { startService, untilReady } from '../services/child-process.ts';
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

/** A Temporal server with a worker. */
interface Bench {
  client: Client;
  /** Of the worker and of `client run`. */
  environment: Record<string, string>;
  /** Of the worker process. */
  pid: number;
  tell(what: string, measured: number): Promise<void>;
  stops: (() => Promise<unknown>)[];
}

/** What a day costs beside its data: history events and time of single days, of a backfill, of days that wait. */
export async function measureDays(options: DaysOptions): Promise<void> {
  const figures = new Figures('days');
  const stops: Bench['stops'] = [];
  await BenchServer.use(async ({ directory, template: url }) => {
    try {
      const csvPath = await writeOrders(directory, LARGE_DAY, options.largeRows);
      const api = await startSampleApi({ source: sourceWith(csvPath), pollsUntilReady: 0 });
      stops.push(() => api.close());
      const settings = { REPORT_API_URL: api.url, ...SAMPLE_CREDENTIALS, DATABASE_URL: url };
      const tell: Bench['tell'] = (what, measured) => figures.add({ what, measured });
      const bench = await startBench(path.join(directory, 'usual'), { settings, tell, stops });
      await tell('MB of the idle worker', await megabytesOf(bench.pid, 'VmRSS'));
      for (let nth = 2; nth <= options.workers; nth += 1)
        await startWorker(bench, path.join(directory, 'usual'), nth);
      await singleDays(bench);
      await largeDay(bench, url, csvPath);
      await backfill(bench, options);
      await runsBeside(bench, options.besideDays);
      await waitingDays(bench, api, options.waiting);
      api.setReady({ readyAfterMs: 0 });
      const tellOfDefaults: Bench['tell'] = (what, measured) =>
        tell(`${what}, on a server with defaults`, measured);
      const onDefaults = { settings, tell: tellOfDefaults, stops };
      await singleDays(await startBench(path.join(directory, 'defaults'), onDefaults, SERVER_DEFAULTS));
    } finally {
      for (const stop of stops.reverse()) await stop();
    }
  });
  figures.print();
}

/** Days of the real size, and a large one, whose orders are on disk. */
function sourceWith(csvPath: string): DeliverySource {
  const usual = generatedSource();
  const files = { ...generatedFiles('increment', [LARGE_DAY]), user_order_log_inc: { path: csvPath } };
  return {
    increment: (date) => (date === LARGE_DAY ? { files } : usual.increment(date)),
    report: () => usual.report(),
  };
}

async function startBench(
  directory: string,
  { settings, tell, stops }: Pick<Bench, 'tell' | 'stops'> & { settings: Record<string, string> },
  dynamicConfig: readonly string[] = [],
): Promise<Bench> {
  const temporal = await startTemporalServer({
    cliPath: (await findTemporalCli({ log: console.error })).path,
    uiPort: false,
    dbFile: path.join(directory, 'temporal.db'),
    logFile: path.join(directory, 'temporal.log'),
    dynamicConfig,
  });
  stops.push(() => temporal.stop());
  const { address } = temporal;
  const client = new Client({ connection: await Connection.connect({ address }) });
  stops.push(() => client.connection.close());
  const place = { TEMPORAL_ADDRESS: address, TEMPORAL_TASK_QUEUE: TASK_QUEUE, LOG_LEVEL: 'WARN' };
  const bench: Bench = { client, environment: { ...settings, ...place }, pid: 0, tell, stops };
  const seconds = await secondsOf(async () => (bench.pid = await startWorker(bench, directory, 1)));
  await tell('seconds to the first poll', rounded(seconds));
  return bench;
}

/** Resolves with its process id, when so many workers poll. */
async function startWorker(bench: Bench, directory: string, nth: number): Promise<number> {
  const { environment, client, stops } = bench;
  const name = `worker-${nth}`;
  const worker = await startService({
    name,
    command: 'sh',
    args: ['-c', packageFile.scripts.worker],
    cwd: projectRoot,
    logFile: path.join(directory, `${name}.log`),
    env: { ...process.env, ...environment, LANDING_DIR: path.join(directory, name) },
  });
  stops.push(() => worker.stop());
  const queue = { namespace: 'default', taskQueue: { name: TASK_QUEUE } };
  const pollers = async () => (await client.workflowService.describeTaskQueue(queue)).pollers.length;
  await untilReady(worker, 60_000, async () => (await pollers()) >= nth);
  return worker.pid;
}

async function startDay({ client }: Bench, loadDate: string, settings: Record<string, string> = {}) {
  return await client.workflow.start<typeof salesIncrement>('salesIncrement', {
    workflowId: loadDate,
    taskQueue: TASK_QUEUE,
    args: [{ loadDate, options: runOptions({ FILES_TIMEOUT: '1m', LATE_AFTER: '0s', ...settings }) }],
  });
}

async function singleDays(bench: Bench): Promise<void> {
  const seconds: number[] = [];
  let events = 0;
  for (let day = 0; day < 12; day += 1) {
    const started = performance.now();
    const handle = await startDay(bench, addDays(FIRST_DAY, day));
    await handle.result();
    // The first ones warm the worker up.
    if (day >= 2) seconds.push((performance.now() - started) / 1_000);
    events = (await handle.describe()).historyLength;
  }
  await bench.tell('seconds of a day of the real size, median of 10', rounded(median(seconds)));
  await bench.tell('history events of a day', events);
}

/** The whole workflow, download included, beside SQL by hand on the same file on disk, each a first time and again. */
async function largeDay(bench: Bench, url: string, csvPath: string): Promise<void> {
  const tell = (what: string, measured: number) => bench.tell(`the large day: ${what}`, rounded(measured));
  await writeFile(`/proc/${bench.pid}/clear_refs`, '5'); // the peak begins anew
  const product: number[] = [];
  for (let round = 0; round < 2; round += 1) {
    const handle = await startDay(bench, LARGE_DAY);
    product.push(await secondsOf(() => handle.result()));
    for (const [step, longest] of stepsOf(await handle.fetchHistory()))
      if (longest >= 0.1) await tell(`seconds of ${step}`, longest);
  }
  await tell('peak MB of the worker', await megabytesOf(bench.pid, 'VmHWM'));
  await createByHand(url);
  for (const [nth, name] of ['first load', 'the same file again'].entries()) {
    const [mine = NaN, theirs] = [product[nth], await loadByHand(url, csvPath, LARGE_DAY)];
    await tell(`seconds, ${name}`, mine);
    await tell(`seconds by hand, ${name}`, theirs);
    await tell(`ratio, ${name}`, mine / theirs);
  }
}

/** Seconds from start to end of each kind of activity; of those side by side, the longest. */
function stepsOf({ events }: Awaited<ReturnType<WorkflowHandle['fetchHistory']>>): Map<string, number> {
  const seconds = new Map<string, number>();
  const event = (id: unknown) => events?.[Number(id) - 1];
  const at = (id: unknown) =>
    Number(event(id)?.eventTime?.seconds) + Number(event(id)?.eventTime?.nanos) / 1e9;
  for (const { eventId, activityTaskCompletedEventAttributes: completed } of events ?? []) {
    if (!completed) continue;
    const scheduled = event(completed.scheduledEventId)?.activityTaskScheduledEventAttributes;
    const name = scheduled?.activityType?.name ?? '';
    seconds.set(name, Math.max(seconds.get(name) ?? 0, at(eventId) - at(completed.startedEventId)));
  }
  return seconds;
}

async function startBackfill({ client }: Bench, from: string, days: number, concurrency: number) {
  return await client.workflow.start<typeof salesBackfill>('salesBackfill', {
    workflowId: `backfill-${from}`,
    taskQueue: TASK_QUEUE,
    priority: BACKFILL_PRIORITY,
    args: [{ from, to: addDays(from, days - 1), concurrency, options: runOptions({ LATE_AFTER: '0s' }) }],
  });
}

async function backfill(bench: Bench, { days, concurrency }: DaysOptions): Promise<void> {
  let failed = 0;
  const seconds = await secondsOf(async () => {
    const handle = await startBackfill(bench, addDays(FIRST_DAY, 100), days, concurrency);
    failed = (await handle.result()).failed;
  });
  await bench.tell(`seconds of a backfill of ${days} days, ${concurrency} at a time`, rounded(seconds, 1));
  await bench.tell('days a second of it', rounded(days / seconds, 1));
  await bench.tell('failed days of it', failed);
}

/** A person's `run`, alone and while a backfill with the client's default concurrency is under way. */
async function runsBeside(bench: Bench, days: number): Promise<void> {
  const run = promisify(execFile);
  const command = ['--import', './runtime/register.js', 'client/main.ts', 'run', '--date'];
  const options = { cwd: projectRoot, env: { ...process.env, ...bench.environment } };
  let date = addDays(FIRST_DAY, 50);
  const medianRun = async () => {
    const seconds: number[] = [];
    for (let nth = 0; nth < 7; nth += 1) {
      date = addDays(date, 1);
      seconds.push(await secondsOf(() => run(process.execPath, [...command, date], options)));
    }
    return rounded(median(seconds));
  };
  await bench.tell('seconds of `client run`', await medianRun());
  const handle = await startBackfill(bench, addDays(FIRST_DAY, 5_000), days, DEFAULT_CONCURRENCY);
  const beside = `beside a backfill of ${days} days, ${DEFAULT_CONCURRENCY} at a time`;
  await bench.tell(`seconds of \`client run\` ${beside}`, await medianRun());
  if ((await handle.describe()).status.name !== 'RUNNING') throw new Error('The backfill was over too soon.');
  await handle.terminate();
}

/** Days whose report is not ready for an hour, and what they hold of the worker meanwhile. */
async function waitingDays(bench: Bench, api: SampleApi, count: number): Promise<void> {
  const polls = () => api.requests.filter(({ endpoint }) => endpoint === 'get_report').length;
  api.setReady({ readyAfterMs: 3_600_000 });
  const [before, asked] = [await megabytesOf(bench.pid, 'VmRSS'), polls()];
  const handles = [];
  for (let day = 0; day < count; day += 1)
    handles.push(await startDay(bench, addDays('2010-01-01', day), { REPORT_POLL_INTERVAL: '10m' }));
  while (polls() < asked + count) await sleep(500);
  await sleep(5_000);
  let held = 0;
  for (const handle of handles) held += (await handle.describe()).raw.pendingActivities?.length ?? 0;
  await bench.tell(`activity slots held by ${count} waiting days`, held);
  await bench.tell('MB of the worker before', before);
  await bench.tell('MB of the worker with them', await megabytesOf(bench.pid, 'VmRSS'));
}
