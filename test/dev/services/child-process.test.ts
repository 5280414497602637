import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    // One that has ended but that nobody waits for (its parent was killed) shows an empty command line.
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine === '') return true;
    await sleep(50);
  }
  return false;
}

test(
  'a service ends, with what it has started, when the program that started it is killed',
  { skip: process.platform !== 'linux' && 'looks into /proc, which Linux alone has' },
  async () => {
    const module = pathToFileURL(join(import.meta.dirname, '../../../dev/services/child-process.ts')).href;
    const program = `
    const { startService } = await import(${JSON.stringify(module)});
    const service = await startService({
      name: 'orphan', command: '/bin/sh', args: ['-c', 'sleep 300; true'], logFile: '${devNull}',
    });
    console.log(service.pid);`;
    const args = ['--import', './runtime/register.js', '--input-type=module', '-e', program];
    const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    let child = '';
    while (child === '') {
      await sleep(10);
      child = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    }
    parent.kill('SIGKILL');
    for (const one of [pid, Number(child)]) assert.ok(await isGone(one), 'it lives on');
  },
);
