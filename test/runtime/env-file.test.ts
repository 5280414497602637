import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, link, lchown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { loadEnvFile } from '../../runtime/env-file.ts';
import { SettingsError } from '../../runtime/settings.ts';
import { temporalConfig } from '../../runtime/temporal.ts';
import { withoutRoot } from '../support/left-out.ts';

const NAME = 'ENV_FILE_TEST';
const SOMEBODY = 54_321;

let directory: string;
let file: string;
const home = process.cwd();

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'env-file-'));
  file = path.join(directory, '.env');
  process.chdir(directory);
});
after(async () => {
  process.chdir(home);
  await rm(directory, { recursive: true });
});
beforeEach(() => write(file));
afterEach(async () => {
  Reflect.deleteProperty(process.env, NAME);
  await rm(file, { recursive: true });
});

async function write(target: string, mode = 0o600): Promise<void> {
  await writeFile(target, `${NAME}=told\n`);
  await chmod(target, mode);
}

function isRead(): boolean {
  loadEnvFile();
  return process.env[NAME] === 'told';
}

function isRefused(reason: RegExp): void {
  assert.throws(loadEnvFile, (error) => {
    assert.ok(error instanceof SettingsError);
    assert.ok(error.message.includes(file), error.message);
    assert.match(error.message, reason);
    return true;
  });
  assert.equal(process.env[NAME], undefined);
}

test("one's own is read, and the environment wins, also with an empty value", async () => {
  assert.ok(isRead());
  for (const value of ['', 'given']) {
    process.env[NAME] = value;
    loadEnvFile();
    assert.equal(process.env[NAME], value);
  }
  await chmod(file, 0o644);
  Reflect.deleteProperty(process.env, NAME);
  assert.ok(isRead(), 'others may read it');
  Reflect.deleteProperty(process.env, NAME);
  await rm(file);
  await mkdir(file);
  isRefused(/cannot be read: EISDIR/);
});

test('one that others may have written is refused (contract, ruling 55): itself, the target of a link, a second name, a pipe', async () => {
  for (const mode of [0o666, 0o620, 0o602, 0o777]) {
    await chmod(file, mode);
    isRefused(/may be written by others \(mode 0\d{3}\): make it your own/);
  }
  const other = path.join(directory, 'other');
  await write(other, 0o622);
  for (const name of [symlink, link]) {
    await rm(file);
    await name(other, file);
    isRefused(/may be written by others/);
  }
  await chmod(other, 0o600);
  assert.ok(isRead());
  await rm(file);
  // Nobody writes to it.
  execFileSync('mkfifo', ['-m', '666', file]);
  Reflect.deleteProperty(process.env, NAME);
  isRefused(/may be written by others/);
});

// Another user's files need root.
test('one of another user is refused, a link of his as well', { skip: withoutRoot }, async () => {
  await chown(file, SOMEBODY, SOMEBODY);
  isRefused(/belongs to another user \(54321\)/);
  const target = path.join(directory, 'own');
  await write(target);
  await rm(file);
  await symlink(target, file);
  await lchown(file, SOMEBODY, SOMEBODY);
  isRefused(/belongs to another user/);
});

test("the file of Temporal's profiles, named or not, is trusted by the same rule", async () => {
  const isMac = process.platform === 'darwin';
  const config = path.join(directory, ...(isMac ? ['Library', 'Application Support'] : ['.config']));
  const profiles = path.join(config, 'temporalio', 'temporal.toml');
  await mkdir(path.dirname(profiles), { recursive: true });
  await writeFile(profiles, '[profile.default]\naddress = "own.example.com:7233"\n');
  await chmod(profiles, 0o644);
  const places = [{ TEMPORAL_CONFIG_FILE: profiles }, { HOME: directory }];
  if (!isMac) places.push({ XDG_CONFIG_HOME: config } as never);
  for (const env of places) assert.equal(temporalConfig(env).address, 'own.example.com:7233');
  await chmod(profiles, 0o666);
  for (const env of places)
    assert.throws(() => temporalConfig(env), /temporal\.toml may be written by others \(mode 0666\)/);
  const none = { TEMPORAL_CONFIG_FILE: path.join(directory, 'none') };
  for (const env of [{ XDG_CONFIG_HOME: '.config' }, { TEMPORAL_CONFIG_FILE: '', HOME: directory }, none])
    assert.equal(temporalConfig(env).address, 'localhost:7233');
});

for (const program of ['worker.ts', 'bin/sales-increment.js'])
  test(`${program} ends with 2 and names the file`, async () => {
    await chmod(file, 0o666);
    const register = path.join(home, 'runtime', 'register.js');
    const args = program.startsWith('bin') ? [] : ['--import', register];
    const { status, stderr } = spawnSync(process.execPath, [...args, path.join(home, program), 'status'], {
      env: { PATH: process.env.PATH, HOME: directory },
      encoding: 'utf8',
    });
    assert.equal(status, 2, stderr);
    assert.match(stderr, new RegExp(`${file} may be written by others`));
    assert.doesNotMatch(stderr, /^ +at /m);
  });
