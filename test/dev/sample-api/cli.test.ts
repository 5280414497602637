import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { call } from './client.ts';

const MAIN = fileURLToPath(new URL('../../../dev/sample-api/main.ts', import.meta.url));

describe('the command', { concurrency: true }, () => {
  test('prints where it listens, takes its credentials from the environment, prints its requests and stops on a signal', async () => {
    const command = start(
      ['--polls', '0', '--faults', '[{"on":"generate_report","do":"status","status":503}]'],
      {
        REPORT_API_KEY: 'from-env',
      },
    );
    try {
      const [, url = ''] = await command.untilOutput(
        /^sample report API at (http:\S+), storage at http:\S+$/m,
      );
      const headers = {
        'X-Nickname': 'sample',
        'X-Cohort': '1',
        'X-Project': 'True',
        'X-API-KEY': 'from-env',
      };
      assert.equal((await call(`${url}/generate_report`, headers, 'POST')).status, 503);
      assert.equal((await call(`${url}/generate_report`, headers, 'POST')).status, 200);
      await command.untilOutput(/^\S+ api {5}POST \/generate_report 503 \(fault: status\)$/m);
      assert.doesNotMatch(command.output(), /from-env/);
    } finally {
      command.child.kill('SIGTERM');
    }
    assert.equal(await command.ended, 0);
  });

  test('--quiet prints no requests, and a port in use ends a second one with 1', async () => {
    const first = start(['--quiet']);
    try {
      const [, url = ''] = await first.untilOutput(/API at (http:\S+), storage/);
      await call(`${url}/generate_report`, {}, 'POST');
      const port = new URL(url).port;
      const second = start(['--port', port]);
      assert.equal(await second.ended, 1);
      assert.equal(
        second.output().trim(),
        `Port ${port} on 127.0.0.1 is already in use: choose another one, or 0 for any free port.`,
      );
      assert.equal(first.output().trim().split('\n').length, 1);
    } finally {
      first.child.kill('SIGINT');
    }
    assert.equal(await first.ended, 0);
  });

  test('--help ends with 0 and explains the faults', async () => {
    const command = start(['--help']);
    assert.equal(await command.ended, 0);
    assert.match(command.output(), /--storage-port <n>[\s\S]*"do":"missing-files"/);
  });

  for (const wrong of [
    ['--port', 'x'],
    ['--faults', '[{"on":"storage","do":"stuck"}]'],
    ['--faults', 'no/such/file.json'],
    ['--ready-after', '5'],
    ['--earliest', '2024-02-30'],
    ['--data', 'here', '--orders', '5'],
    ['surplus'],
  ]) {
    test(`${wrong.join(' ')} is wrong usage: 2`, async () => {
      const command = start(wrong);
      assert.equal(await command.ended, 2);
      assert.match(command.output(), /^error: /);
    });
  }

  test('a missing directory ends it with 1', async () => {
    const command = start(['--data', 'no/such/directory']);
    assert.equal(await command.ended, 1);
    assert.match(command.output(), /report does not exist/);
  });
});

interface Started {
  child: ChildProcess;
  ended: Promise<unknown>;
  output(): string;
  /** Waits until the output matches. */
  untilOutput(pattern: RegExp): Promise<RegExpExecArray>;
}

function start(args: readonly string[], env: Record<string, string> = {}): Started {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('REPORT_API_')),
  );
  const child = spawn(process.execPath, ['--import', './runtime/register.js', MAIN, ...args], {
    env: { ...inherited, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const ended = once(child, 'close').then(([code]) => code as unknown);
  return {
    child,
    ended,
    output: () => output,
    async untilOutput(pattern) {
      for (;;) {
        const match = pattern.exec(output);
        if (match) return match;
        await Promise.race([
          once(child.stdout, 'data'),
          ended.then(() => Promise.reject(new Error(`it ended with: ${output}`))),
        ]);
      }
    },
  };
}
