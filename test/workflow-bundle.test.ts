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

/** A directory with a bundle that is up to date. */
async function directoryWith(name: string, { directoryMode = 0o755, fileMode = 0o644, code = current } = {}) {
  const place = path.join(directory, name);
  await mkdir(place);
  await writeFile(path.join(place, NAME), code + MARK);
  await chmod(path.join(place, NAME), fileMode);
  await chmod(place, directoryMode);
  return place;
}

test("one that is up to date is taken, one's own or root's", async () => {
  const { code } = await workflowBundle({ directory: await directoryWith('own') });
  assert.ok(code.endsWith(MARK));
});

for (const [name, options] of [
  ['others may have put there', { directoryMode: 0o777 }],
  ['others may have written', { fileMode: 0o666 }],
  ['was built from other sources', { code: '// 0\n' }],
] as const)
  test(`one that ${name} is built anew (contract, ruling 36)`, async () => {
    const place = await directoryWith(name, options);
    const { code } = await workflowBundle({ directory: place });
    assert.equal(code, current);
    assert.equal(await readFile(path.join(place, NAME), 'utf8'), current);
    assert.equal((await stat(place)).mode & 0o777, 0o755);
    assert.equal((await stat(path.join(place, NAME))).mode & 0o777, 0o644);
    assert.deepEqual(await readdir(place), [NAME]);
  });

test("another user's is built anew", { skip }, async () => {
  const theirs = await directoryWith('theirs');
  await chown(theirs, SOMEBODY, SOMEBODY);
  assert.equal((await workflowBundle({ directory: theirs })).code, current);
});

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
