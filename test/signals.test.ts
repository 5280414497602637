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
  const endings: [name: string, end: (worker: Running) => void][] = [
    ...(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const).map((signal): (typeof endings)[number] => [
      signal,
      ({ pid }) => process.kill(pid, signal),
    ]),
    ['Ctrl-C, which reaches npm and the worker,', (worker) => worker.kill('SIGINT')],
  ];
  for (const [name, end] of endings)
    test(`${name} ends the worker, which finishes what it does`, async (t) => {
      const worker = npm(t, ['worker'], stack.environment);
      await worker.says('"worker started"');
      end(worker);
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

test('npm run sample-api, codec-server and client end with npm', async (t) => {
  const port = await freePort();
  const settings = {
    PAYLOAD_KEYS: `one:${Buffer.alloc(32).toString('base64')}`,
    CODEC_SERVER_ADDRESS: `127.0.0.1:${await freePort()}`,
  };
  const programs: [signal: NodeJS.Signals, args: string[], env: Record<string, string>, says: string][] = [
    ['SIGHUP', ['sample-api', '--', '--port', String(port)], {}, 'REPORT_API_KEY=sample-key'],
    ['SIGINT', ['codec-server'], settings, 'codec server at'],
    // Without a worker it waits.
    ['SIGTERM', ['client', '--', 'run', '--date', '2024-02-25'], stack.environment, 'Started '],
  ];
  for (const [signal, args, env, says] of programs) {
    const running = npm(t, args, env);
    await running.says(says);
    process.kill(running.pid, signal);
    await allIsGone(running);
  }
});

test('every script that runs a program of the project leaves no shell between it and npm', async () => {
  const { scripts } = JSON.parse(await readFile(path.join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const ours = Object.entries(scripts).filter(([, script]) => /^(exec )?(env \S+ )?node /.test(script));
  assert.ok(ours.length > 10);
  for (const [name, script] of ours) assert.match(script, /^exec /, name);
});
