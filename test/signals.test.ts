import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import { projectRoot } from '../runtime/project-root.ts';
import { freePort } from '../dev/services/ports.ts';
import { until } from './client/harness.ts';
import { launch, type Running } from './support/processes.ts';
import { TestStack } from './support/stack.ts';

/** Contract, ruling 51: a signal to what `npm run` started ends all of it, and nothing goes on without it. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const;

const stack = await TestStack.start({ worker: false });
after(() => stack.close());

/** Runs a script of package.json as a service manager does: the signal reaches npm alone. */
function npm(t: TestContext, args: readonly string[], env: Record<string, string>): Running {
  const running = launch('npm', ['run', ...args], { env, group: true });
  t.after(() => {
    if (isThere(-running.pid)) process.kill(-running.pid, 'SIGKILL');
  });
  return running;
}

/** Of a process, or of any of a group. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function allIsGone({ pid }: Running): Promise<void> {
  await until('nobody is left of what npm started', () => !isThere(-pid), 30_000);
}

describe('npm run worker', () => {
  for (const signal of SIGNALS) {
    test(`${signal} ends the worker, which finishes what it does`, async (t) => {
      const worker = npm(t, ['worker'], stack.environment);
      await worker.says('"worker started"');
      process.kill(worker.pid, signal);
      await allIsGone(worker);
      assert.match(worker.output(), /"worker stopped"/);
    });
  }

  test('Ctrl-C, which reaches npm and the worker, is the same', async (t) => {
    const worker = npm(t, ['worker'], stack.environment);
    await worker.says('"worker started"');
    worker.kill('SIGINT');
    await allIsGone(worker);
    assert.match(worker.output(), /"worker stopped"/);
  });

  test('a signal during the start ends it at once', async (t) => {
    // Accepts connections and says nothing.
    const port = await freePort();
    const silent = createServer().listen(port, '127.0.0.1');
    t.after(() => silent.close());
    const connected = once(silent, 'connection');
    const worker = npm(t, ['worker'], { ...stack.environment, TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
    await connected;
    process.kill(worker.pid, 'SIGTERM');
    await allIsGone(worker);
    assert.doesNotMatch(worker.output(), /"worker started"/);
  });
});

for (const [signal, date] of [
  ['SIGTERM', '2024-02-25'],
  ['SIGHUP', '2024-02-26'],
] as const) {
  test(`npm run sample-api ends on ${signal}`, async (t) => {
    const port = await freePort();
    const api = npm(t, ['sample-api', '--', '--port', String(port)], {});
    await api.says('REPORT_API_KEY=sample-key');
    process.kill(api.pid, signal);
    await allIsGone(api);
  });

  test(`npm run codec-server ends on ${signal}`, async (t) => {
    const server = npm(t, ['codec-server'], {
      PAYLOAD_KEYS: `one:${Buffer.alloc(32).toString('base64')}`,
      CODEC_SERVER_ADDRESS: `127.0.0.1:${await freePort()}`,
    });
    await server.says('codec server at');
    process.kill(server.pid, signal);
    await allIsGone(server);
  });

  test(`npm run client ends on ${signal}`, async (t) => {
    // Without a worker it waits.
    const client = npm(t, ['client', '--', 'run', '--date', date], stack.environment);
    await client.says('Started ');
    process.kill(client.pid, signal);
    await allIsGone(client);
  });
}

test('every script that runs a program of the project leaves no shell between it and npm', async () => {
  const { scripts } = JSON.parse(await readFile(path.join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const ours = Object.entries(scripts).filter(([, script]) => /^(exec )?(env \S+ )?node /.test(script));
  assert.ok(ours.length > 10);
  for (const [name, script] of ours) assert.match(script, /^exec /, name);
});
