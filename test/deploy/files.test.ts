import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { SETTINGS } from '../../runtime/settings.ts';
import { freePort } from '../../dev/services/ports.ts';
import { parseDuration } from '../../domain/durations.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { TestStack } from '../support/stack.ts';
import { Image, readRecipe } from './image.ts';

const read = (name: string) => readFile(path.join(projectRoot, name), 'utf8');
const kubernetes = async () => {
  const names = await readdir(path.join(projectRoot, 'deploy/kubernetes'));
  return (await Promise.all(names.map((name) => read(`deploy/kubernetes/${name}`)))).join('\n---\n');
};

/** Temporal's own, which its environment configuration reads. */
const TEMPORAL = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_API_KEY'];
/** Of Node.js and of the other images of compose.yaml. */
const OTHERS =
  /^(?:NODE_ENV|TSX_DISABLE_CACHE|MALLOC_ARENA_MAX|POSTGRES_\w+|SALES_DATABASE_PASSWORD|DB|DB_PORT|DEFAULT_NAMESPACE_RETENTION|TEMPORAL_CORS_ORIGINS|GF_\w+)$/;

/** The variables that a text sets: `NAME: value` of a mapping, `- name: NAME` of a list. */
function variablesOf(yaml: string): string[] {
  return [...yaml.matchAll(/^\s*(?:- name: )?([A-Z][A-Z0-9_]+)(?::(?: |$)|$)/gm)].map(
    ([, name = '']) => name,
  );
}

test('every variable that the files set is a setting', async () => {
  const sets = {
    Dockerfile: Object.keys((await readRecipe()).env),
    'compose.yaml': variablesOf(await read('compose.yaml')),
    'deploy/kubernetes': variablesOf(await kubernetes()),
  };
  for (const [file, names] of Object.entries(sets)) {
    assert.ok(names.length > 4, file);
    const unknown = names.filter(
      (name) => !(name in SETTINGS) && !TEMPORAL.includes(name) && !OTHERS.test(name),
    );
    assert.deepEqual(unknown, [], file);
  }
});

test('a worker that is started by the files has every setting that it requires', async () => {
  const required = Object.entries(SETTINGS)
    .filter(([, setting]) => 'required' in setting)
    .map(([name]) => name);
  for (const text of [await read('compose.yaml'), await kubernetes()]) {
    const names = variablesOf(text);
    for (const name of [...required, 'DATABASE_URL', 'TEMPORAL_ADDRESS'])
      assert.ok(names.includes(name), name);
  }
});

test('a stopping worker has more time than its activities take', async () => {
  const milliseconds = (text: string | undefined) => parseDuration(text ?? '') ?? NaN;
  const compose = await read('compose.yaml');
  assert.ok(
    milliseconds(/stop_grace_period: (\S+)/.exec(compose)?.[1]) >
      milliseconds(/WORKER_SHUTDOWN_GRACE: (\S+)/.exec(compose)?.[1]),
  );
  const pods = await kubernetes();
  assert.ok(
    milliseconds(`${/terminationGracePeriodSeconds: (\d+)/.exec(pods)?.[1] ?? ''}s`) >
      milliseconds(/WORKER_SHUTDOWN_GRACE: (\S+)/.exec(pods)?.[1]),
  );
});

test('ports, folders and secrets agree between the files', async () => {
  const { env, user, copies } = await readRecipe();
  const [compose, pods, prometheus] = [
    await read('compose.yaml'),
    await kubernetes(),
    await read('deploy/prometheus/prometheus.yml'),
  ];
  const port = (address = '') => address.split(':').at(-1) ?? '';
  assert.ok(pods.includes(`containerPort: ${port(env.HEALTH_ADDRESS)} `));
  assert.ok(pods.includes(`containerPort: ${port(env.METRICS_ADDRESS)} `));
  assert.ok(prometheus.includes(`worker:${port(env.METRICS_ADDRESS)}`));
  for (const text of [compose, pods]) assert.ok(text.includes(env.LANDING_DIR ?? 'no LANDING_DIR'));
  const [uid] = user.split(':');
  assert.match(uid ?? '', /^[1-9]\d+$/, 'not root, and by number');
  assert.ok(pods.includes(`runAsUser: ${uid ?? ''}`));
  // A secret's value comes from the environment or from a Secret, never from a file of the project.
  for (const [name] of Object.entries(SETTINGS).filter(
    ([, setting]) => 'secret' in setting && setting.secret,
  )) {
    for (const [, value = ''] of compose.matchAll(new RegExp(`^\\s+${name}: (.+)$`, 'gm')))
      assert.match(value, /^(?:\*database-url|\$\{\w+:-(?:sample-key)?\})$/, name);
    assert.doesNotMatch(pods, new RegExp(`^\\s+${name}: `, 'm'), name);
  }
  for (const [, file = ''] of compose.matchAll(/^\s+- \.\/(\S+?):/gm))
    assert.ok(existsSync(path.join(projectRoot, file)), file);
  const allowed = (await read('.dockerignore'))
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  for (const { stage, from } of copies) {
    if (stage === undefined)
      assert.ok(allowed.includes(from) && existsSync(path.join(projectRoot, from)), from);
  }
});

test('the image, made by hand: it migrates, loads a day as another user and writes nothing but landed files', async () => {
  const image = await Image.make();
  const stack = await TestStack.start({ worker: false });
  try {
    const before = await image.files();
    const { environment } = stack;
    const migrated = await image.start(
      ['node', '--import', './runtime/register.js', 'client/main.ts', 'migrate'],
      environment,
    ).ended;
    assert.equal(migrated.code, 0, migrated.output);
    const addresses = {
      HEALTH_ADDRESS: `127.0.0.1:${await freePort()}`,
      METRICS_ADDRESS: `127.0.0.1:${await freePort()}`,
    };
    const check = () => image.start(image.recipe.healthcheck, addresses).ended;
    assert.equal((await check()).code, 1, 'no worker, no health');
    const worker = image.start(image.recipe.command, { ...environment, ...addresses });
    await worker.says('worker started');
    const healthy = await check();
    assert.equal(healthy.code, 0, healthy.output);
    stack.deliveries.set('2024-02-25', [{ uniq_id: 'a' }]);
    assert.equal((await stack.runDay('2024-02-25')).outcome, 'loaded');
    const report = path.join(image.landingDir, 'sales-report.html');
    const made = await image.start(
      ['node', '--import', './runtime/register.js', 'client/main.ts', 'report', '--out', report],
      environment,
    ).ended;
    assert.equal(made.code, 0, made.output);
    assert.match(await readFile(report, 'utf8'), /Sales report/);
    worker.kill('SIGTERM');
    const ended = await worker.ended;
    assert.equal(ended.code, 0, ended.output);
    assert.deepEqual(await image.files(), before);
    assert.ok((await readdir(image.landingDir)).length > 0);
  } finally {
    await stack.close();
    await image.remove();
  }
});
