import path from 'node:path';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { Command } from 'commander';
import { migrate } from '../../database/migrate.ts';
import { createPool } from '../../database/pool.ts';
import type { DeliverySource } from '../sample-api/delivery.ts';
import { generatedSource } from '../sample-api/generated-source.ts';
import { startSampleApi } from '../sample-api/server.ts';
import { startService, untilReady } from '../services/child-process.ts';
import { startPostgres } from '../services/postgres.ts';
import { findTemporalCli } from '../services/temporal-cli.ts';
import { startTemporalServer } from '../services/temporal-server.ts';
import { addDays } from '../../domain/load-date.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import type { salesBackfill, salesIncrement } from '../../workflows/index.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { median, ROWS_PER_ORDER } from './run.ts';

/**
 * `npm run bench:days`: what a day costs beside its data: history events and time of single days of the real size
 * (1,091 rows of orders), of a backfill, and of many days that wait for their report at once.
 */
const OPTIONS = {
  reportPollIntervalMs: 10_000,
  reportTimeoutMs: 3_600_000,
  filesTimeoutMs: 60_000,
  optionalFiles: [],
  maxRejectedShare: 0.1,
  lateAfterMs: 0,
};
const TASK_QUEUE = 'bench';
const FIRST_DAY = '2024-02-25';
const LARGE_DAY = '2034-01-01';

/** Days of the real size, and a large one. */
function sourceWith(largeRows: number): DeliverySource {
  const usual = generatedSource();
  const large = generatedSource({ orders: Math.round(largeRows / ROWS_PER_ORDER) });
  return {
    increment: (date) => (date === LARGE_DAY ? large : usual).increment(date),
    report: () => usual.report(),
  };
}

async function main(): Promise<void> {
  const { days, concurrency, waiting, workers, largeRows, out } = new Command('bench:days')
    .description(
      'Measures single days, a large one, a backfill and waiting days, with worker processes of their own.',
    )
    .option('--days <N>', 'days of the backfill', '365')
    .option('--concurrency <N>', 'days side by side', '8')
    .option('--waiting <N>', 'days that wait for their report at once', '1000')
    .option('--workers <N>', 'worker processes', '1')
    .option('--large-rows <N>', 'rows of the large day', '1000000')
    .option('--out <FILE>', 'JSON of the figures', 'var/days.json')
    .parse()
    .opts<Record<'days' | 'concurrency' | 'waiting' | 'workers' | 'largeRows' | 'out', string>>();
  const directory = await mkdtemp(path.join(tmpdir(), 'sales-increment-bench-'));
  const stops: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const cli = await findTemporalCli({ say: console.error });
    const temporal = await startTemporalServer({
      cliPath: cli.path,
      uiPort: false,
      dbFile: path.join(directory, 'temporal.db'),
      logFile: path.join(directory, 'temporal.log'),
    });
    stops.push(() => temporal.stop());
    const postgres = await startPostgres({
      dataDir: path.join(directory, 'postgres'),
      logFile: path.join(directory, 'postgres.log'),
    });
    stops.push(() => postgres.stop());
    const databaseUrl = await postgres.createApplicationDatabase('bench');
    const pool = createPool({
      connectionString: databaseUrl,
      applicationName: 'bench',
      maxConnections: 1,
      onIdleError: () => undefined,
    });
    await migrate(pool);
    await pool.end();
    const api = await startSampleApi({ source: sourceWith(Number(largeRows)), pollsUntilReady: 0 });
    stops.push(() => api.close());
    const client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
    stops.push(() => client.connection.close());
    const startWorker = async (name: string) =>
      await startService({
        name,
        command: 'sh',
        args: ['-c', `exec ${packageFile.scripts.worker}`],
        cwd: projectRoot,
        logFile: path.join(directory, `${name}.log`),
        env: {
          ...process.env,
          REPORT_API_URL: api.url,
          REPORT_API_KEY: 'sample-key',
          REPORT_API_NICKNAME: 'sample',
          REPORT_API_COHORT: '1',
          DATABASE_URL: databaseUrl,
          TEMPORAL_ADDRESS: temporal.address,
          TEMPORAL_TASK_QUEUE: TASK_QUEUE,
          LANDING_DIR: path.join(directory, name),
          HEALTH_ADDRESS: '',
          LOG_LEVEL: 'WARN',
        },
      });
    const startedAt = performance.now();
    const worker = await startWorker('worker-1');
    stops.push(() => worker.stop());
    while ((await pollers(client)) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const startSeconds = (performance.now() - startedAt) / 1_000;
    for (let more = 2; more <= Number(workers); more += 1) {
      const another = await startWorker(`worker-${more}`);
      stops.push(() => another.stop());
      await untilReady(another, 'another worker', 60_000, async () => (await pollers(client)) >= more);
    }
    const idle = await memory(worker.pid);

    const single = await singleDays(client);
    const large = await largeDay(client, Number(largeRows), worker.pid);
    const backfill = await backfillOf(client, Number(days), Number(concurrency));
    api.setReady({ readyAfterMs: 3_600_000 });
    const waits = await waitingDays(client, Number(waiting), worker.pid);
    const results = {
      workers: Number(workers),
      startSeconds,
      idleMegabytes: idle,
      single,
      large,
      backfill,
      waits,
    };
    await writeFile(out, JSON.stringify(results, null, 2));
    console.log(JSON.stringify(results, null, 2));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function singleDays(client: Client) {
  const seconds: number[] = [];
  let events = 0;
  let handle: WorkflowHandle<typeof salesIncrement> | undefined;
  for (let day = 0; day < 12; day += 1) {
    const loadDate = addDays(FIRST_DAY, day);
    const started = performance.now();
    handle = await client.workflow.start<typeof salesIncrement>('salesIncrement', {
      workflowId: `single-${loadDate}`,
      taskQueue: TASK_QUEUE,
      args: [{ loadDate, options: OPTIONS }],
    });
    await handle.result();
    // The first ones warm the worker up.
    if (day >= 2) seconds.push((performance.now() - started) / 1_000);
    events = (await handle.fetchHistory()).events?.length ?? 0;
  }
  return {
    medianSeconds: median(seconds),
    historyEvents: events,
    steps: handle ? await stepsOf(handle) : {},
  };
}

/** Milliseconds from the scheduling of a step's first activity to the end of its last one. */
async function stepsOf(handle: WorkflowHandle): Promise<Record<string, number>> {
  const events = (await handle.fetchHistory()).events ?? [];
  const at = (event: (typeof events)[number]) =>
    Number(event.eventTime?.seconds ?? 0) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6;
  const names = new Map<string, string>();
  const span = new Map<string, { from: number; to: number }>();
  for (const event of events) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      const name = scheduled.activityType?.name ?? '';
      names.set(String(event.eventId), name);
      if (!span.has(name)) span.set(name, { from: at(event), to: at(event) });
    }
    const completed = event.activityTaskCompletedEventAttributes;
    const known = completed && span.get(names.get(String(completed.scheduledEventId)) ?? '');
    if (known) known.to = at(event);
  }
  return Object.fromEntries([...span].map(([name, { from, to }]) => [name, Math.round(to - from)]));
}

/** A large day by the worker, with the worker's own peak memory. */
async function largeDay(client: Client, rows: number, pid: number) {
  await writeFile(`/proc/${pid}/clear_refs`, '5'); // the peak begins anew
  const started = performance.now();
  const handle = await client.workflow.start<typeof salesIncrement>('salesIncrement', {
    workflowId: 'large',
    taskQueue: TASK_QUEUE,
    args: [{ loadDate: LARGE_DAY, options: OPTIONS }],
  });
  await handle.result();
  return {
    rows,
    seconds: (performance.now() - started) / 1_000,
    steps: await stepsOf(handle),
    peakMegabytes: await memory(pid, 'VmHWM'),
  };
}

async function backfillOf(client: Client, days: number, concurrency: number) {
  const from = addDays(FIRST_DAY, 100);
  const started = performance.now();
  const handle = await client.workflow.start<typeof salesBackfill>('salesBackfill', {
    workflowId: 'backfill',
    taskQueue: TASK_QUEUE,
    args: [{ from, to: addDays(from, days - 1), concurrency, options: OPTIONS }],
  });
  const { loaded, failed } = await handle.result();
  const seconds = (performance.now() - started) / 1_000;
  return {
    days,
    concurrency,
    loaded,
    failed,
    seconds,
    daysPerSecond: days / seconds,
  };
}

async function waitingDays(client: Client, count: number, pid: number) {
  const before = await memory(pid);
  const handles = [];
  for (let day = 0; day < count; day += 1) {
    const loadDate = addDays('2010-01-01', day);
    handles.push(
      client.workflow.start<typeof salesIncrement>('salesIncrement', {
        workflowId: `waiting-${loadDate}`,
        taskQueue: TASK_QUEUE,
        args: [{ loadDate, options: { ...OPTIONS, reportPollIntervalMs: 600_000 } }],
      }),
    );
    if (day % 50 === 49) await Promise.all(handles.splice(0));
  }
  await Promise.all(handles);
  const deadline = Date.now() + 300_000;
  let timers = 0;
  let activities = count;
  while (Date.now() < deadline && (timers < count || activities > 0)) {
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    [timers, activities] = [0, 0];
    for await (const info of client.workflow.list({
      query: "WorkflowId STARTS_WITH 'waiting-' AND ExecutionStatus='Running'",
    })) {
      const { raw } = await client.workflow.getHandle(info.workflowId).describe();
      activities += raw.pendingActivities?.length ?? 0;
      timers += 1;
    }
  }
  return {
    waiting: timers,
    activitySlotsHeld: activities,
    memoryBefore: before,
    memoryAfter: await memory(pid),
  };
}

/** Megabytes resident, now or at most. */
async function memory(pid: number, what: 'VmRSS' | 'VmHWM' = 'VmRSS'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) / 1_000);
}

async function pollers(client: Client): Promise<number> {
  const { pollers: found } = await client.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: TASK_QUEUE },
  });
  return found.length;
}

await main();
