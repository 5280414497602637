import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { type Service, startService } from '../../../dev/services/child-process.ts';
import { removeDirectory, scratchDirectory } from './scratch.ts';

let directory: string;
before(async () => {
  directory = await scratchDirectory();
});
after(() => removeDirectory(directory));

function startShell(name: string, script: string): Promise<Service> {
  const logFile = join(directory, `${name}.log`);
  return startService({ name, command: '/bin/sh', args: ['-c', script], logFile });
}

async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    // One that has ended but that nobody waits for (its parent was killed) shows an empty command line.
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine === '') return true;
    await sleep(50);
  }
  return false;
}

test('stop ends the whole group, reports how it ended, and is safe to repeat', async () => {
  const service = await startShell('group', 'trap "echo bye; exit 3" INT; sleep 300 & echo $!; wait');
  while ((await service.lastLines()) === '') await sleep(10);
  const grandchild = Number(await service.lastLines());

  let heard: unknown;
  service.onExit((exit) => (heard = exit));
  await Promise.all([service.stop(), service.stop()]);
  await service.stop();

  assert.deepEqual(await service.exited, { code: 3, signal: null });
  assert.deepEqual(heard, { code: 3, signal: null });
  assert.match(await service.lastLines(), /bye$/);
  // A background job of a shell ignores SIGINT: the group is not only asked.
  assert.ok(await isGone(grandchild), 'the grandchild lives');
});

test(
  'a service ends when the program that started it is killed',
  { skip: process.platform !== 'linux' && 'looks into /proc, which Linux alone has' },
  async () => {
    const module = pathToFileURL(join(import.meta.dirname, '../../../dev/services/child-process.ts')).href;
    const program = `
    const { startService } = await import(${JSON.stringify(module)});
    const service = await startService({
      name: 'orphan', command: 'sleep', args: ['300'], logFile: ${JSON.stringify(join(directory, 'orphan.log'))},
    });
    console.log(service.pid);`;
    const parent = spawn(
      process.execPath,
      ['--import', './runtime/register.js', '--input-type=module', '-e', program],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    assert.ok(pid > 0);
    parent.kill('SIGKILL');
    assert.ok(await isGone(pid), 'it lives on');
  },
);
