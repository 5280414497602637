import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Worker } from '@temporalio/worker';
import { freePort } from '../dev/services/ports.ts';
import { NO_TRACING } from '../runtime/tracing/start.ts';
import { workflowBundle } from '../worker/workflow-bundle.ts';
import { callsOf, stackFor, startWorkerProcess } from './client/harness.ts';
import { startCollector, type CollectedSpan, type Collector } from './support/collector.ts';
import { client, start } from './support/processes.ts';

const KEY = 'k-77ab-secret-of-the-api';
const HOUR_MS = 3_600_000;

async function collectorFor(t: TestContext): Promise<Collector> {
  const collector = await startCollector();
  t.after(() => collector.close());
  return collector;
}

const settingsFor = (url: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
});

/** The names from the root of the trace down to the span. */
function pathOf(span: CollectedSpan, spans: readonly CollectedSpan[]): string {
  if (span.parentSpanId === undefined) return span.name;
  const parent = spans.find((one) => one.traceId === span.traceId && one.spanId === span.parentSpanId);
  return `${parent ? pathOf(parent, spans) : 'nothing'} > ${span.name}`;
}

test('one trace holds the client, the workflow, its steps, HTTP and SQL, and no secret', async (t) => {
  const collector = await collectorFor(t);
  const stack = await stackFor(t, {
    worker: false,
    api: { apiKey: KEY, pollsUntilReady: 0 },
    settings: {
      REPORT_API_KEY: KEY,
      // Nobody listens there.
      ALERT_WEBHOOK_URL: 'http://127.0.0.1:9/hooks/T0-webhook-secret',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=collector-secret',
      ...settingsFor(collector.url),
    },
  });
  const { taskQueue } = stack;
  const worker = await startWorkerProcess(t, stack, { LOG_LEVEL: 'DEBUG' });
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a', first_name: 'Customer-by-name' }]);
  stack.deliveries.set('2024-02-26', [{ uniq_id: 'c' }]);
  stack.deliveries.set('2024-02-27', [{ uniq_id: 'b' }], { price_log_inc: '<html>' });
  const ran = await client(['run', '--date', '2024-02-25', '--json'], stack.environment);
  assert.equal(ran.code, 0, ran.stderr);
  const { run_id: runId } = JSON.parse(ran.stdout) as { run_id: string };
  // Not by a client that traces, as by the schedule or the UI: no header, no trace to join.
  const scheduled = await stack.startDay('2024-02-26');
  await scheduled.result();
  const failed = await client(['run', '--date', '2024-02-27'], stack.environment);
  assert.equal(failed.code, 1);
  const backfill = await client(
    ['backfill', '--from', '2024-02-25', '--to', '2024-02-25'],
    stack.environment,
  );
  assert.equal(backfill.code, 0, backfill.stderr);
  // A statement that PostgreSQL refuses, with a message that quotes what it was given.
  await stack.db.pool.query('alter table staging.file_load alter column sha256 type date using current_date');
  stack.deliveries.set('2024-02-28', [{ uniq_id: 'd' }]);
  const broken = await client(['run', '--date', '2024-02-28'], stack.environment);
  assert.match(broken.stderr, /PostgreSQL rejected/);
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
  const spans = collector.spans();

  const paths = new Map(spans.map((span) => [span, pathOf(span, spans)]));
  const at = (path: string) => spans.filter((span) => paths.get(span) === path);
  const only = (found: CollectedSpan[]) => {
    assert.equal(found.length, 1, [...new Set(paths.values())].sort().join('\n'));
    return found[0] as CollectedSpan;
  };
  // The alert's own workflow still goes on: its span comes when it ends.
  for (const [span, path] of paths)
    assert.match(path, /^(Start|Run)Workflow:|^nothing > RunActivity:sendAlert/, span.name);
  assert.deepEqual([...new Set(spans.map(({ service }) => service))], ['sales-increment']);

  // The day: one trace, from the client's start on.
  const day = 'StartWorkflow:salesIncrement > RunWorkflow:salesIncrement';
  const run = only(at(day).filter(({ attributes }) => attributes.run_id === runId));
  const { traceId } = run;
  const known = {
    temporalWorkflowId: `${taskQueue}-2024-02-25`,
    run_id: runId,
    'sales.load_date': '2024-02-25',
  };
  const started = only(spans.filter((span) => span.spanId === run.parentSpanId));
  for (const { attributes } of [started, run]) assert.deepEqual({ ...attributes, ...known }, attributes);
  assert.equal(run.status.code, 0);
  const ofDay = (path: string) => at(`${day} > ${path}`).filter((span) => span.traceId === traceId);
  const steps = spans.filter((span) => span.traceId === traceId && span.name.startsWith('RunActivity:'));
  assert.ok(steps.length >= 20, String(steps.length));
  for (const { parentSpanId, attributes } of steps) {
    assert.equal(parentSpanId, run.spanId);
    assert.deepEqual(
      { ...attributes, temporalWorkflowId: known.temporalWorkflowId, run_id: runId, attempt: 1 },
      attributes,
    );
  }
  for (const path of [
    'RunActivity:claimDay > transaction > audit/claim',
    'RunActivity:getReport > GET get_report',
    'RunActivity:landFile > GET user_order_log_inc',
    'RunActivity:stageFile > transaction > staging/user_order_log',
    'RunActivity:updateFSales > transaction > mart/f_sales',
    'RunActivity:updateFSales > transaction > mart/d_calendar',
    'RunActivity:updateFSales > transaction > audit/day_loaded',
  ])
    only(ofDay(path));
  const asked = only(ofDay('RunActivity:generateReport > POST generate_report'));
  assert.equal(asked.attributes['http.response.status_code'], 200);
  const download = only(ofDay('RunActivity:landFile > GET price_log_inc'));
  assert.equal(download.attributes['server.port'], Number(new URL(stack.api.storageUrl).port));
  assert.ok(Number(download.attributes['http.response.body.size']) > 0);
  for (const name of ['landFile', 'checkFile', 'stageFile']) {
    const files = ofDay(`RunActivity:${name}`).map(({ attributes }) => attributes['sales.file']);
    assert.deepEqual(files.sort(), [
      'customer_research_inc',
      'price_log_inc',
      'user_activity_log_inc',
      'user_order_log_inc',
    ]);
  }
  const copied = ofDay('RunActivity:stageFile > transaction > copy').map(
    ({ attributes }) => attributes['sales.rows'],
  );
  assert.deepEqual(copied.sort(), [0, 0, 0, 0, 1, 1, 1, 2]);

  // The other ways to begin: a trace of its own, with the id of the run; a part of the backfill's.
  const bare = only(at('RunWorkflow:salesIncrement'));
  assert.equal(bare.traceId, scheduled.firstExecutionRunId.replaceAll('-', ''));
  only(at('RunWorkflow:salesIncrement > RunActivity:updateFSales > transaction > mart/f_sales'));
  const child = 'StartWorkflow:salesBackfill > RunWorkflow:salesBackfill > RunWorkflow:salesIncrement';
  only(at(`${child} > RunActivity:updateFSales`));

  // What failed, by its type alone.
  const failures = spans.filter(({ status }) => status.code === 2);
  for (const { status, attributes } of failures) {
    assert.deepEqual(status, { code: 2 });
    assert.ok(attributes['error.type']);
  }
  const types = failures.map(({ name, attributes }) => `${name} ${String(attributes['error.type'])}`);
  for (const type of [
    'RunActivity:checkFile FileRefused',
    'RunWorkflow:salesIncrement FileRefused',
    'RunActivity:sendAlert AlertNotSent',
    'audit/file_load DatabaseRefused',
    'RunActivity:stageFile DatabaseRefused',
  ])
    assert.ok(types.includes(type), types.join(', '));
  const refused = failures.find(({ name }) => name === 'audit/file_load');
  assert.match(String(refused?.attributes['db.response.status_code']), /^[0-9A-Z]{5}$/);
  assert.deepEqual(
    [refused?.attributes['db.namespace'], refused?.attributes['db.query.summary']],
    [new URL(stack.db.url).pathname.slice(1), 'audit/file_load'],
  );

  // The trace can be found from the log.
  const logged = worker
    .output()
    .split('\n')
    .filter((line) => line.includes(`"trace_id":"${traceId}"`));
  assert.ok(logged.some((line) => line.includes('"message":"Workflow completed"')));
  assert.ok(
    logged.some((line) => line.includes('"activityType":"landFile"')),
    worker.output().slice(0, 3000),
  );

  const signatures = callsOf(stack, 'storage').map(({ path }) => /Signature=(\w+)/.exec(path)?.[1] ?? '');
  assert.ok(signatures.length >= 8 && signatures.every((signature) => signature.length === 64));
  const everything = collector.bodies.join('\n');
  const secrets = [
    ...[
      KEY,
      decodeURIComponent(new URL(stack.db.url).password),
      'webhook-secret',
      'X-Amz-',
      'collector-secret',
    ],
    ...[
      'Customer-by-name',
      'invalid input syntax',
      'PostgreSQL rejected',
      '?',
      'exception',
      'password',
      'insert into',
      'select ',
    ],
    ...signatures,
  ];
  for (const secret of secrets) assert.ok(!everything.includes(secret), `${secret} stands in a trace`);
  // What a traced run has left behind replays like any other.
  for (const id of ['2024-02-25', 'backfill-2024-02-25-2024-02-25']) {
    const workflowId = `${taskQueue}-${id}`;
    const history = await stack.client.workflow.getHandle(workflowId).fetchHistory();
    assert.match(JSON.stringify(history), /_tracer-data/);
    const options = { workflowBundle: await workflowBundle(), sinks: NO_TRACING.sinks };
    for await (const { error } of Worker.runReplayHistories(options, [{ workflowId, history }]))
      assert.equal(error, undefined);
  }
  // Nobody else gets to know the trace.
  assert.ok(stack.api.requests.every(({ headers }) => headers.traceparent === undefined));
});

/** Tells, at the end of the process, which OpenTelemetry modules were loaded. */
const TELL_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { createRequire } from 'node:module';
  const { cache } = createRequire('${import.meta.url}');
  const named = () => Object.keys(cache).flatMap((file) => /@opentelemetry.[-a-z]+/.exec(file) ?? []);
  process.on('exit', () => console.error('LOADED [' + [...new Set(named())].sort() + ']'));
`)}`;

const loadedBy = (output: string) => /LOADED \[(.*)\]/.exec(output)?.[1];

test('without the settings nothing is sent and no OpenTelemetry is loaded', async (t) => {
  const collector = await collectorFor(t);
  const stack = await stackFor(t, { worker: false });
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
  const on = settingsFor(collector.url);
  const load = async (settings: Record<string, string>) => {
    const environment = { ...stack.environment, ...settings };
    const worker = start(['--import', TELL_LOADED, 'worker.ts'], environment);
    await worker.says('worker started');
    const ran = start(
      ['--import', TELL_LOADED, 'client/main.ts', 'run', '--date', '2024-02-25'],
      environment,
    );
    assert.equal((await ran.ended).code, 0, ran.output());
    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0);
    const history = await stack.client.workflow.getHandle(`${stack.taskQueue}-2024-02-25`).fetchHistory();
    return {
      loaded: [loadedBy(worker.output()), loadedBy(ran.output())],
      headers: JSON.stringify(history).includes('_tracer-data'),
      sent: collector.bodies.length,
    };
  };
  assert.deepEqual(await load({}), { loaded: ['', ''], headers: false, sent: 0 });
  const disabled = await load({ ...on, OTEL_SDK_DISABLED: 'true' });
  assert.deepEqual(disabled, { loaded: ['', ''], headers: false, sent: 0 });
  const { loaded, headers, sent } = await load(on);
  for (const names of loaded) assert.match(names ?? '', /@opentelemetry\/sdk-trace,/);
  assert.ok(headers && sent >= 2);
});

test('a collector that is not there costs one warning, and hardly any time', async (t) => {
  const stack = await stackFor(t, { worker: false });
  stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const addresses = [await freePort(), (silent.address() as AddressInfo).port];
  for (const port of addresses) {
    const settings = {
      ...settingsFor(`http://127.0.0.1:${port}`),
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
    };
    const worker = await startWorkerProcess(t, stack, settings);
    const ran = await client(['run', '--date', '2024-02-25'], { ...stack.environment, ...settings });
    assert.equal(ran.code, 0, ran.stderr);
    await stack.runDay('2024-02-26');
    await worker.says('Traces cannot be sent');
    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0);
    assert.equal(worker.output().split('Traces cannot be sent').length, 2, worker.output());
    assert.ok(ran.stderr.split('Traces cannot be sent').length <= 2, ran.stderr);
  }
  // A program's end does not wait for as long as the exporter would.
  const [, port] = addresses;
  const OTEL_EXPORTER_OTLP_TIMEOUT = String(HOUR_MS);
  const settings = { ...settingsFor(`http://127.0.0.1:${port}`), OTEL_EXPORTER_OTLP_TIMEOUT };
  const worker = await startWorkerProcess(t, stack, settings);
  await stack.runDay('2024-02-26');
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
});

test('protobuf is the default, and the address of traces alone may be given', async (t) => {
  const collector = await collectorFor(t);
  const stack = await stackFor(t, { worker: false });
  const worker = await startWorkerProcess(t, stack, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/somewhere`,
    OTEL_SERVICE_NAME: 'sales-of-the-test',
  });
  await stack.runDay('2024-02-26');
  worker.kill('SIGTERM');
  await worker.ended;
  assert.deepEqual([...new Set(collector.requests)], ['POST /somewhere application/x-protobuf']);
  const everything = collector.bodies.join('\n');
  for (const text of ['sales-of-the-test', 'RunWorkflow:salesIncrement', 'RunActivity:claimDay'])
    assert.ok(everything.includes(text), text);
});

test('wrong settings of traces are named, by worker and client', async (t) => {
  const stack = await stackFor(t, { worker: false });
  const wrong = {
    ...stack.environment,
    OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_HEADERS: 'collector-secret',
    OTEL_SDK_DISABLED: 'perhaps',
  };
  for (const args of [['worker.ts'], ['client/main.ts', 'schedule', 'show']]) {
    const { code, stderr } = await start(args, wrong).ended;
    assert.equal(code, 2, stderr);
    for (const name of [
      'ENDPOINT must be an http',
      'PROTOCOL must be one of',
      'HEADERS must be',
      'DISABLED must be',
    ])
      assert.ok(stderr.includes(name), `${name}: ${stderr}`);
    assert.ok(!stderr.includes('collector-secret'));
  }
});
