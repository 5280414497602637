import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, link, lchown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { loadEnvFile } from '../../runtime/env-file.ts';
import { SettingsError } from '../../runtime/settings.ts';
import { temporalConfig } from '../../runtime/temporal.ts';
import { withoutRoot } from '../support/left-out.ts';

const NAME = 'ENV_FILE_TEST';
const SOMEBODY = 54_321;
/** Another user's files need root. */
const skip = withoutRoot;

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
});

test('one that cannot be read is a settings fault', async () => {
  await rm(file);
  await mkdir(file);
  isRefused(/cannot be read: EISDIR/);
});

describe('one that others may have written is refused (contract, ruling 55)', () => {
  for (const mode of [0o666, 0o620, 0o602, 0o777]) {
    test(`mode ${mode.toString(8)}`, async () => {
      await chmod(file, mode);
      isRefused(/may be written by others \(mode 0\d{3}\): make it your own/);
    });
  }

  test('it belongs to another user', { skip }, async () => {
    await chown(file, SOMEBODY, SOMEBODY);
    isRefused(/belongs to another user \(54321\)/);
  });

  test('the target of a link', async () => {
    const target = path.join(directory, 'target');
    await write(target, 0o666);
    await rm(file);
    await symlink(target, file);
    isRefused(/may be written by others/);
    await chmod(target, 0o600);
    assert.ok(isRead());
  });

  test('the link', { skip }, async () => {
    const target = path.join(directory, 'own');
    await write(target);
    await rm(file);
    await symlink(target, file);
    await lchown(file, SOMEBODY, SOMEBODY);
    isRefused(/belongs to another user/);
  });

  test('a pipe, which nobody writes to', async () => {
    await rm(file);
    execFileSync('mkfifo', ['-m', '666', file]);
    isRefused(/may be written by others/);
  });

  test('a second name of a file that another may write', async () => {
    const other = path.join(directory, 'other');
    await write(other, 0o622);
    await rm(file);
    await link(other, file);
    isRefused(/may be written by others/);
  });
});

test("the file of Temporal's profiles is trusted by the same rule", async () => {
  const profiles = path.join(directory, 'temporal.toml');
  await writeFile(profiles, '[profile.default]\naddress = "planted.example.com:7233"\n');
  await chmod(profiles, 0o644);
  const env = { TEMPORAL_CONFIG_FILE: profiles };
  assert.equal(temporalConfig(env).address, 'planted.example.com:7233');
  await chmod(profiles, 0o666);
  assert.throws(() => temporalConfig(env), /temporal\.toml may be written by others \(mode 0666\)/);
  assert.equal(
    temporalConfig({ TEMPORAL_CONFIG_FILE: path.join(directory, 'none') }).address,
    'localhost:7233',
  );
});

test('so is the file of profiles that nobody has named', async () => {
  const isMac = process.platform === 'darwin';
  const config = path.join(directory, ...(isMac ? ['Library', 'Application Support'] : ['.config']));
  const profiles = path.join(config, 'temporalio', 'temporal.toml');
  await mkdir(path.dirname(profiles), { recursive: true });
  await writeFile(profiles, '[profile.default]\naddress = "own.example.com:7233"\n');
  await chmod(profiles, 0o644);
  const places = [{ HOME: directory }, ...(isMac ? [] : [{ XDG_CONFIG_HOME: config }])];
  for (const env of places) assert.equal(temporalConfig(env).address, 'own.example.com:7233');
  await chmod(profiles, 0o666);
  for (const env of places)
    assert.throws(() => temporalConfig(env), /temporal\.toml may be written by others \(mode 0666\)/);
  for (const env of [{}, { TEMPORAL_CONFIG_FILE: '', HOME: directory }, { XDG_CONFIG_HOME: '.config' }])
    assert.equal(temporalConfig(env).address, 'localhost:7233');
});

for (const program of ['worker.ts', 'client/main.ts', 'runtime/codec/main.ts', 'bin/sales-increment.js']) {
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
}
