import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { addDays } from '../../domain/load-date.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { until } from '../client/harness.ts';
import { startEngine, type Engine } from './engine.ts';

/** Where Temporal's server must be built first, by Go. */
const LIMIT = { timeout: 1_800_000 };
const yesterday = addDays(new Date().toISOString().slice(0, 10), -1);

interface Service {
  image: string;
  ports?: string[];
  profiles?: string[];
}
interface Container {
  Service: string;
  State: string;
  ExitCode: number;
  Health: string;
}

const text = await readFile(path.join(projectRoot, 'compose.yaml'), 'utf8');
const { services } = parse(text, { merge: true }) as { services: Record<string, Service> };
const foreign = Object.fromEntries(
  Object.entries(services).flatMap(([name, { image }]) =>
    image.startsWith('sales-increment') ? [] : [[name, image]],
  ),
);

let engine: Engine;
/** Those that are brought up. */
let names: string[];
const stops: (() => Promise<unknown>)[] = [];

before(async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'compose-'));
  stops.push(() => rm(directory, { recursive: true, force: true }));
  const passwords = [...new Set(text.match(/\b\w+_PASSWORD(?=:\?\})/g))]
    .map((name) => `${name}=${randomBytes(24).toString('hex')}\n`)
    .join('');
  await writeFile(path.join(directory, 'compose.env'), passwords, { mode: 0o600 });
  // The ports of this machine can be in use.
  const ported = Object.entries(services).filter(([, { ports }]) => ports);
  const closed = ported.map(([name]) => `  ${name}: { ports: !reset [] }\n`).join('');
  await writeFile(path.join(directory, 'no-ports.yaml'), `services:\n${closed}`);
  const project = `sales-test-${randomBytes(4).toString('hex')}`;
  engine = await startEngine(
    ['--project-name', project, '--file', 'compose.yaml', '--file', path.join(directory, 'no-ports.yaml')],
    { COMPOSE_ENV_FILES: `${path.join(directory, 'compose.env')},deploy/sample-api.env` },
    foreign,
  );
  stops.push(() => engine.close());
  names = Object.keys(services).filter(
    (name) => !engine.missing.includes(name) && !services[name]?.profiles?.includes('client'),
  );
  console.log(`not run: ${engine.missing.join(', ') || 'none'}`);
  await engine.build('build', 'sales-increment-build', '1.0.0-test');
  await engine.build('worker', 'sales-increment', '1.0.0-test');
  stops.push(() => engine.compose(['down', '--volumes', '--timeout', '60']));
}, LIMIT);
after(async () => {
  for (const stop of stops.reverse()) await stop();
}, LIMIT);

async function up(): Promise<void> {
  await engine.compose(['up', '--detach', '--no-build', ...names]);
}

async function client(...args: string[]): Promise<unknown> {
  return JSON.parse(await engine.compose(['run', '--rm', '--no-deps', '-T', 'client', ...args, '--json']));
}

async function containers(): Promise<Container[]> {
  const lines = (await engine.compose(['ps', '--all', '--format', 'json'])).split('\n').filter(Boolean);
  return lines.map((line) => {
    const { Service, State, ExitCode, Health } = JSON.parse(line) as Container;
    return { Service, State, ExitCode, Health };
  });
}

const ONCE = ['temporal-schema', 'temporal-namespace', 'migrate', 'setup'];

/** What ends has ended well, all else runs, and the worker is healthy. */
async function settled(): Promise<void> {
  let all: Container[] = [];
  const isSettled = (name: string) => {
    const { State, ExitCode, Health } = all.find(({ Service }) => Service === name) ?? {};
    if (ONCE.includes(name)) return State === 'exited' && ExitCode === 0;
    return State === 'running' && (name !== 'worker' || Health === 'healthy');
  };
  await until('all containers are as they should be', async () => {
    all = await containers();
    return names.every(isSettled);
  }).catch((error: unknown) => assert.fail(`${String(error)} ${JSON.stringify(all)}`));
}

async function stateOf(date: string): Promise<string | undefined> {
  const { days } = (await client('status', '--from', date, '--to', date)) as { days: { state: string }[] };
  return days[0]?.state;
}

async function load(date: string): Promise<void> {
  const { outcome } = (await client('run', '--date', date)) as { outcome: string };
  assert.equal(outcome, 'loaded');
}

test('it comes up, and the trigger of the schedule loads yesterday', LIMIT, async () => {
  await up();
  await settled();
  const schedule = (await client('schedule', 'show')) as { paused: boolean };
  assert.equal(schedule.paused, true);
  await client('schedule', 'trigger');
  await until('yesterday is loaded', async () => (await stateOf(yesterday)) === 'loaded');
});

test('Prometheus has what the worker measures, and the rules', LIMIT, async () => {
  const ask = async (question: string) => {
    const script = `fetch('http://prometheus:9090/api/v1/${question}').then((r) => r.text()).then(console.log)`;
    const answer = await engine.compose(['exec', '-T', 'worker', 'node', '--eval', script]);
    return JSON.parse(answer) as { data: { result: { value: [number, string] }[]; groups: unknown[] } };
  };
  await until('Prometheus has the rows', async () => {
    const { data } = await ask('query?query=sum(sales_rows_total)');
    return Number(data.result[0]?.value[1]) > 0;
  });
  assert.ok((await ask('rules')).data.groups.length > 0);
});

test('after a restart of every container a day is loaded', LIMIT, async () => {
  for (const name of names.filter((name) => !ONCE.includes(name)))
    await engine.compose(['restart', '--timeout', '60', name]);
  await settled();
  await load('2024-02-25');
});

test('a new image takes the place of the old one, and the worker has stopped in order', LIMIT, async () => {
  await engine.compose(['stop', '--timeout', '60', 'worker']);
  assert.equal((await containers()).find(({ Service }) => Service === 'worker')?.ExitCode, 0);
  await engine.build('worker', 'sales-increment', '1.1.0-test');
  await up();
  await settled();
  const build = await engine.compose(['exec', '-T', 'worker', 'printenv', 'TEMPORAL_WORKER_BUILD_ID']);
  assert.equal(build, '1.1.0-test');
  await load('2024-02-26');
});

test('down and up leave the data, the schedule and the settings', LIMIT, async () => {
  await client('schedule', 'resume');
  await engine.compose(['down', '--timeout', '60']);
  assert.equal((await containers()).length, 0);
  await up();
  await settled();
  for (const date of [yesterday, '2024-02-25', '2024-02-26'])
    assert.equal(await stateOf(date), 'loaded', date);
  assert.equal(((await client('schedule', 'show')) as { paused: boolean }).paused, false);
  await load('2024-02-27');
});
