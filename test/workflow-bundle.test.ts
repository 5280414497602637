import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { workflowBundle } from '../worker/workflow-bundle.ts';
import { stackFor } from './client/harness.ts';
import { killAtExit } from './support/processes.ts';
import { withoutRoot } from './support/left-out.ts';
import { copyProject } from './support/project-copy.ts';

const NAME = 'workflow-bundle.js';
/** At the end of a bundle that is up to date: whether it was that one which was taken. */
const MARK = '\n// of another user';
const SOMEBODY = 54_321;
/** Another user's files need root. */
const skip = withoutRoot;

let directory: string;
let current: string;
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bundle-'));
  current = (await workflowBundle()).code;
});
after(() => rm(directory, { recursive: true }));

/** A place with a bundle that is up to date. */
async function placeWith(name: string, { directoryMode = 0o755, fileMode = 0o644 } = {}) {
  const place = { directory: path.join(directory, name), directoryMode, fileMode };
  await mkdir(place.directory);
  await writeFile(path.join(place.directory, NAME), current + MARK);
  await chmod(path.join(place.directory, NAME), fileMode);
  await chmod(place.directory, directoryMode);
  return place;
}

test("one that is up to date is taken, one's own or root's", async () => {
  const { code } = await workflowBundle({ places: [await placeWith('own')] });
  assert.ok(code.endsWith(MARK));
});

test(
  "one that others may have written, or another user's, is built anew (contract, ruling 36), and not kept where they may write",
  { skip },
  async () => {
    const shared = await placeWith('shared', { directoryMode: 0o777 });
    const theirs = await placeWith('theirs');
    await chown(path.join(theirs.directory, NAME), SOMEBODY, SOMEBODY);
    await chown(theirs.directory, SOMEBODY, SOMEBODY);
    const writable = await placeWith('writable', { fileMode: 0o666 });
    const { code } = await workflowBundle({ places: [shared, theirs, { ...writable, fileMode: 0o600 }] });
    assert.ok(!code.includes(MARK));
    for (const place of [shared, theirs])
      assert.ok((await readFile(path.join(place.directory, NAME), 'utf8')).endsWith(MARK), 'left alone');
    const kept = path.join(writable.directory, NAME);
    assert.equal(await readFile(kept, 'utf8'), code);
    assert.equal((await stat(kept)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(writable.directory), [NAME]);
  },
);

test(
  "a worker starts in root's checkout, also as a version of it, without a home (contract, ruling 52)",
  { skip },
  async (t) => {
    const stack = await stackFor(t, { worker: false });
    const project = await copyProject();
    t.after(() => rm(project, { recursive: true, force: true }));
    await chmod(project, 0o755);
    const git = (words: string) => execFileSync('git', words.split(' '), { cwd: project });
    git('init --quiet --shared=0644');
    git('-c user.name=test -c user.email=test commit --quiet --allow-empty -m test');
    const landing = await mkdtemp(path.join(directory, 'landing-'));
    await chmod(directory, 0o755);
    await chown(landing, SOMEBODY, SOMEBODY);
    const worker = spawn(process.execPath, ['--import', './runtime/register.js', 'worker.ts'], {
      cwd: project,
      env: {
        ...stack.environment,
        PATH: process.env.PATH,
        LANDING_DIR: landing,
        TEMPORAL_DEPLOYMENT_NAME: 'of-another-user',
      },
      uid: SOMEBODY,
      gid: SOMEBODY,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    killAtExit(worker);
    let output = '';
    for (const stream of [worker.stdout, worker.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('"worker started"')) worker.kill('SIGTERM');
      });
    const [code] = (await once(worker, 'close')) as [number | null];
    assert.equal(code, 0, output);
    assert.match(output, /the workflow bundle is built anew at each start, since it cannot be kept: EACCES/);
    assert.ok(!(await readdir(project)).includes('dist'));
  },
);
