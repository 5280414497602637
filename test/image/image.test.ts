import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../../dev/services/ports.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { asAdmin } from '../support/database.ts';
import { TestStack } from '../support/stack.ts';
import type { Running } from '../support/processes.ts';
import { ContainerTool, type ImageConfig } from './container-tool.ts';

const TAG = 'localhost/sales-increment-test:latest';
const USER = 1000;
const DAY = '2024-02-25';
const LIMIT = { timeout: 120_000 };

let tool: ContainerTool;
let config: ImageConfig;
let stack: TestStack;
let landingDir: string;
const role = `worker_${randomBytes(4).toString('hex')}`;
const stops: (() => Promise<unknown>)[] = [];

before(async () => {
  const began = performance.now();
  tool = await ContainerTool.build(TAG);
  stops.push(() => tool.remove());
  config = await tool.config();
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`built by ${tool.name} in ${seconds} s, size ${await tool.size()}`);

  landingDir = await mkdtemp(path.join(tmpdir(), 'image-'));
  stops.push(() => rm(landingDir, { recursive: true, force: true }));
  if (process.getuid?.() === 0) await chown(landingDir, USER, USER);
  await asAdmin(`create role ${role} login password 'x'`);
  stops.push(() => asAdmin(`drop role ${role}`));
  stack = await TestStack.start({ worker: false });
  stops.push(() => stack.close());
});
after(async () => {
  for (const stop of stops.reverse()) await stop();
});

function start(command: readonly string[], environment: Record<string, string> = {}): Running {
  return tool.start(command, environment, landingDir);
}

async function run(command: readonly string[], environment: Record<string, string> = {}) {
  const running = start(command, environment);
  return { code: (await running.ended).code, output: running.output() };
}

/** With the role that is no owner. */
function environment(): Record<string, string> {
  const url = new URL(stack.environment.DATABASE_URL ?? '');
  url.username = role;
  url.password = 'x';
  return { ...stack.environment, DATABASE_URL: url.href };
}

test('it says what it is, and that its user is not root', LIMIT, async () => {
  assert.equal(config.User, `${USER}:${USER}`);
  assert.equal(config.Labels['org.opencontainers.image.title'], 'sales-increment');
  assert.equal(config.Labels['org.opencontainers.image.version'], '0.0.0-test');
  const { code, output } = await run(['node', '--print', 'process.getuid() + " " + process.version']);
  assert.equal(code, 0, output);
  assert.match(output, /^1000 v26\./m);
});

test('it has no compiler, no package manager and nothing that only development needs', LIMIT, async () => {
  const { packages } = JSON.parse(await readFile(path.join(projectRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  const development = Object.keys(packages).filter((name) => packages[name]?.dev);
  assert.ok(development.includes('node_modules/typescript'));
  const names = ['tsx', 'esbuild', '@esbuild', '@swc/core']
    .map((name) => `node_modules/${name}`)
    .concat(development)
    .map((name) => `/app/${name}`);
  const programs = [
    ...['cc', 'gcc', 'g++', 'make', 'python3', 'git'].map((name) => `/usr/bin/${name}`),
    ...['bin/npm', 'bin/npx', 'bin/yarn', 'bin/corepack', 'lib/node_modules'].map(
      (name) => `/usr/local/${name}`,
    ),
  ];
  const others = ['/app/test', '/app/dev', '/app/.env', '/app/package-lock.json'];
  const script = `console.log('found:', ${JSON.stringify([...names, ...programs, ...others])}.filter((name) => fs.existsSync(name)))`;
  const { code, output } = await run(['node', '--eval', script]);
  assert.equal(code, 0, output);
  assert.match(output, /found: \[\]/);
});

test('its user can write nothing but landed files', LIMIT, async () => {
  const script = 'touch /app/x /usr/x /etc/x /home/x; touch /var/lib/sales-increment/x && echo landed';
  const { output } = await run(['sh', '-c', script]);
  for (const folder of ['/app', '/usr', '/etc', '/home'])
    assert.match(output, new RegExp(`touch: .*'${folder}/x': (?:Permission denied|Read-only file system)`));
  assert.match(output, /landed/);
  await rm(path.join(landingDir, 'x'));
});

test(
  'it migrates, loads a day with a role that is no owner, reports, and stops on SIGTERM with 0',
  LIMIT,
  async () => {
    const migrated = await run(['sales-increment', 'migrate', '--worker-role', role], stack.environment);
    assert.equal(migrated.code, 0, migrated.output);

    const [health, metrics] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const addresses = { HEALTH_ADDRESS: health, METRICS_ADDRESS: metrics };
    const [kind, ...healthcheck] = config.Healthcheck.Test;
    assert.equal(kind, 'CMD');
    assert.equal((await run(healthcheck, addresses)).code, 1, 'no worker, no health');

    const worker = start(config.Cmd, { ...environment(), ...addresses });
    await worker.says('worker started');
    const healthy = await run(healthcheck, addresses);
    assert.equal(healthy.code, 0, healthy.output);
    assert.equal((await fetch(`http://${health}/readyz`)).status, 200);

    stack.deliveries.set(DAY, [{ uniq_id: 'a' }, { uniq_id: 'b' }]);
    const loaded = await run(['sales-increment', 'run', '--date', DAY, '--json'], environment());
    assert.equal(loaded.code, 0, loaded.output);
    assert.match(loaded.output, /"outcome":\s*"loaded"/);
    assert.equal((await stack.rows('select from mart.f_sales')).length, 2);
    const measured = await (await fetch(`http://${metrics}/metrics`)).text();
    assert.match(measured, /^sales_rows_total\{.*kind="kept".*\} 2$/m);

    const report = `sales-increment report --from ${DAY} --to ${DAY} --out /var/lib/sales-increment/report.html`;
    const made = await run(report.split(' '), environment());
    assert.equal(made.code, 0, made.output);
    assert.match(await readFile(path.join(landingDir, 'report.html'), 'utf8'), /Sales report/);
    assert.ok((await readdir(landingDir)).length > 1, 'landed files');

    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0, worker.output());
    assert.match(worker.output(), /worker stopped/);
  },
);

test('it has the bundle for encrypted payloads as well', LIMIT, async () => {
  const addresses = {
    HEALTH_ADDRESS: `127.0.0.1:${await freePort()}`,
    METRICS_ADDRESS: `127.0.0.1:${await freePort()}`,
  };
  const PAYLOAD_KEYS = `test:${randomBytes(32).toString('base64')}`;
  const worker = start(config.Cmd, { ...environment(), ...addresses, PAYLOAD_KEYS });
  await worker.says('worker started');
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
});
