import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { projectRoot } from '../runtime/project-root.ts';
import { freePort } from '../dev/services/ports.ts';
import { stackFor, until } from './client/harness.ts';
import { killAtExit } from './support/processes.ts';

/** Contract, ruling 51: a signal to what `npm run` started ends all of it, and nothing goes on without it. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const;

/** Runs a script of package.json as a service manager does: the signal reaches npm alone. */
function npm(t: TestContext, args: readonly string[], environment: Record<string, string>) {
  const child = spawn('npm', ['run', ...args], {
    cwd: projectRoot,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  killAtExit(child, { group: true });
  t.after(() => killGroup(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return {
    child,
    output: () => output,
    says: (text: string) => until(`npm says ${text}: ${output}`, () => output.includes(text), 60_000),
  };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined && isThere(-pid)) process.kill(-pid, 'SIGKILL');
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

async function allIsGone({ pid = 0 }: ChildProcess): Promise<void> {
  await until('nobody is left of what npm started', () => !isThere(-pid), 30_000);
}

describe('npm run worker', () => {
  for (const signal of SIGNALS) {
    test(`${signal} ends the worker, which finishes what it does`, async (t) => {
      const stack = await stackFor(t, { worker: false });
      const worker = npm(t, ['worker'], stack.environment);
      await worker.says('"worker started"');
      worker.child.kill(signal);
      await allIsGone(worker.child);
      assert.match(worker.output(), /"worker stopped"/);
    });
  }

  test('Ctrl-C, which reaches npm and the worker, is the same', async (t) => {
    const stack = await stackFor(t, { worker: false });
    const worker = npm(t, ['worker'], stack.environment);
    await worker.says('"worker started"');
    process.kill(-(worker.child.pid ?? 0), 'SIGINT');
    await allIsGone(worker.child);
    assert.match(worker.output(), /"worker stopped"/);
  });

  test('a signal during the start ends it at once', async (t) => {
    const stack = await stackFor(t, { worker: false });
    // Accepts connections and says nothing.
    const port = await freePort();
    const silent = createServer().listen(port, '127.0.0.1');
    t.after(() => silent.close());
    const connected = once(silent, 'connection');
    const worker = npm(t, ['worker'], { ...stack.environment, TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
    await connected;
    worker.child.kill('SIGTERM');
    await allIsGone(worker.child);
    assert.doesNotMatch(worker.output(), /"worker started"/);
  });
});

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  test(`npm run sample-api ends on ${signal}`, async (t) => {
    const port = await freePort();
    const api = npm(t, ['sample-api', '--', '--port', String(port)], {});
    await api.says('sample report API at');
    api.child.kill(signal);
    await allIsGone(api.child);
  });

  test(`npm run codec-server ends on ${signal}`, async (t) => {
    const server = npm(t, ['codec-server'], {
      PAYLOAD_KEYS: `one:${Buffer.alloc(32).toString('base64')}`,
      CODEC_SERVER_ADDRESS: `127.0.0.1:${await freePort()}`,
    });
    await server.says('codec server at');
    server.child.kill(signal);
    await allIsGone(server.child);
  });

  test(`npm run client ends on ${signal}`, async (t) => {
    // Without a worker it waits.
    const stack = await stackFor(t, { worker: false });
    const client = npm(t, ['client', '--', 'run', '--date', '2024-02-25'], stack.environment);
    await client.says('Started ');
    client.child.kill(signal);
    await allIsGone(client.child);
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
