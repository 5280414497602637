import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { variable } from '../support/database.ts';
import { launch } from '../support/processes.ts';

let directory: string;
let state: string;
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'stack-'));
  state = path.join(directory, 'state');
  process.umask(0);
});
after(() => rm(directory, { recursive: true, force: true }));

/** The README's first command, with a state of its own. */
async function stack(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = { TEMPORAL_CLI: variable('TEMPORAL_CLI') };
  // The last --state counts.
  const running = launch('./temporal-dev.sh', ['--state', state, ...args], { env });
  const { code } = await running.ended;
  return { code, output: running.output() };
}

test(
  './temporal-dev.sh --once loads a day, shows it, ends with 0, and does so again',
  { timeout: 200_000 },
  async () => {
    for (const date of ['2024-03-10', '2024-03-11']) {
      const { code, output } = await stack('--once', '--date', date);
      assert.equal(code, 0, output);
      assert.match(output, new RegExp(`${date} is loaded\\.`));
      assert.match(output, /user_order_log_inc +│ +1\d{3} │ +1\d{2} │/);
      assert.match(output, /Weekly retention/);
      assert.match(output, /202410 │ 2024-03-04/);
      assert.match(output, /Schedule .*paused/);
    }
  },
);

test('two that start at the same moment have a Temporal server each', { timeout: 200_000 }, async () => {
  const both = await Promise.all(
    ['one', 'other'].map((name) => stack('--once', '--state', path.join(directory, name))),
  );
  const servers = both.map(({ code, output }) => {
    assert.equal(code, 0, output);
    return /Temporal dev server +(\S+),/.exec(output)?.[1];
  });
  assert.notEqual(servers[0], servers[1]);
});

test('what it keeps is for its user only, whatever the umask', async () => {
  assert.equal((await stat(state)).mode & 0o777, 0o700);
  const open: string[] = [];
  for (const entry of await readdir(state, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const file = path.join(entry.parentPath, entry.name);
    if (((await stat(file)).mode & 0o077) !== 0) open.push(file);
  }
  assert.deepEqual(open, []);
});

test('a state that another stack uses is refused', async () => {
  await writeFile(path.join(state, 'stack.pid'), String(process.pid));
  const { code, output } = await stack('--once');
  assert.equal(code, 1);
  assert.match(
    output,
    /^temporal-dev: another development stack is using .* \(process \d+\)\. Stop it with Ctrl-C/m,
  );
  assert.doesNotMatch(output, /^ +at /m);
});

test('wrong usage ends with 2', async () => {
  assert.equal((await stack('--data', '/nowhere')).code, 2);
  assert.equal((await stack('--nonsense')).code, 2);
});
