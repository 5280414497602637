import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { findTemporalCli } from '../../../dev/services/temporal-cli.ts';
import type { Found } from '../../../dev/services/go-programs.ts';
import { namesIn, removeDirectory, scratchDirectory, writeScript } from './scratch.ts';

const REPORTS = (version: string): string => `echo "temporal version ${version} (Server 1.0, UI 2.0)"`;

let directory: string;
let home: string;
let bin: string;
let cache: string;
let printed: string[];

before(async () => {
  directory = await scratchDirectory();
});
after(() => removeDirectory(directory));
beforeEach(async () => {
  printed = [];
  home = join(directory, 'home');
  bin = join(directory, 'bin');
  cache = join(home, '.cache', 'temporal-cli');
  await mkdir(bin, { recursive: true });
  await mkdir(join(cache, '1.5.1'), { recursive: true });
});
afterEach(async () => {
  await rm(home, { recursive: true });
  await rm(bin, { recursive: true });
});

// Nothing of the machine's own is seen: its PATH holds `bin` and what /bin/sh scripts need.
function find(env: NodeJS.ProcessEnv = {}): Promise<Found> {
  return findTemporalCli({
    log: (line) => printed.push(line),
    env: { HOME: home, PATH: bin, ...env },
  });
}

test('TEMPORAL_CLI comes first, then PATH, then the cache', async () => {
  const named = await writeScript(join(directory, 'named'), REPORTS('1.1'));
  const onPath = await writeScript(join(bin, 'temporal'), REPORTS('2.2'));
  const cached = await writeScript(join(cache, '1.5.1', 'temporal'), REPORTS('3.3'));

  const first = await find({ TEMPORAL_CLI: named });
  assert.deepEqual(first, { path: named, version: '1.1 (Server 1.0, UI 2.0)', source: 'TEMPORAL_CLI' });
  const second = await find({ TEMPORAL_CLI: '' });
  assert.deepEqual(second, { path: onPath, version: '2.2 (Server 1.0, UI 2.0)', source: 'PATH' });
  await rm(onPath);
  const third = await find();
  assert.deepEqual(third, { path: cached, version: '3.3 (Server 1.0, UI 2.0)', source: 'the cache' });

  assert.deepEqual(printed, [
    `Temporal CLI 1.1 (Server 1.0, UI 2.0) from TEMPORAL_CLI: ${named}`,
    `Temporal CLI 2.2 (Server 1.0, UI 2.0) from PATH: ${onPath}`,
    `Temporal CLI 3.3 (Server 1.0, UI 2.0) from the cache: ${cached}`,
  ]);
});

test('the cache is in XDG_CACHE_HOME', async () => {
  const xdg = join(home, 'elsewhere');
  await mkdir(join(xdg, 'temporal-cli', '1.5.1'), { recursive: true });
  const cached = await writeScript(join(xdg, 'temporal-cli', '1.5.1', 'temporal'), REPORTS('3.4'));
  assert.equal((await find({ XDG_CACHE_HOME: xdg })).path, cached);
});

test('a TEMPORAL_CLI that cannot be used is an error, whatever else there is', async () => {
  await writeScript(join(bin, 'temporal'), REPORTS('2.2'));
  const missing = join(directory, 'missing');
  await assert.rejects(find({ TEMPORAL_CLI: missing }), {
    message:
      `TEMPORAL_CLI is set to ${missing}, which is not a usable Temporal CLI: ${missing} does not exist. ` +
      `Correct it, or unset it.`,
  });
  const other = await writeScript(join(directory, 'other'), 'echo "something else 1.0"');
  await assert.rejects(find({ TEMPORAL_CLI: other }), /other --version does not report a version/);
  const broken = await writeScript(join(directory, 'broken'), 'exit 7');
  await assert.rejects(find({ TEMPORAL_CLI: broken }), /broken does not run/);
});

test('an unusable one on the PATH or in the cache is reported and passed over', async () => {
  await writeScript(join(bin, 'temporal'), 'exit 1');
  await writeScript(join(cache, '1.5.1', 'temporal'), 'exit 1');
  await writeScript(join(bin, 'go'), fakeGo());
  assert.equal((await find()).source, 'go install');
  assert.match(printed[0] ?? '', /bin\/temporal is not a usable Temporal CLI .*; going on without it$/);
  assert.match(printed[1] ?? '', /1\.5\.1\/temporal is not a usable Temporal CLI .*; going on without it$/);
});

test('it is built by Go, also when two need it at the same time', async () => {
  await writeScript(join(bin, 'go'), fakeGo());
  const found = await Promise.all([find(), find()]);
  for (const { path, version } of found) {
    assert.equal(path, join(cache, '1.5.1', 'temporal'));
    assert.equal(version, 'built (Server 1.0, UI 2.0)');
  }
  assert.deepEqual(await namesIn(join(cache, '1.5.1')), ['temporal'], 'no build directory is left');
  assert.equal((await find()).source, 'the cache');
});

test('a failed build leaves nothing', async () => {
  await writeScript(join(bin, 'go'), 'echo "go: disk full" >&2; exit 1');
  await assert.rejects(find(), /go install failed: go: disk full\)/);
  assert.deepEqual(await namesIn(join(cache, '1.5.1')), []);
});

test('without Go the error names the ways out', async () => {
  await assert.rejects(find(), {
    message:
      'This machine has no Temporal CLI, and it could not be built (Go is not installed). Install it ' +
      '(https://docs.temporal.io/cli/setup-cli) or Go (https://go.dev/dl), or set TEMPORAL_CLI.',
  });
});

function fakeGo(): string {
  return `
    [ "$1 $2" = "install github.com/temporalio/cli/cmd/temporal@v1.5.1" ] || exit 9
    PATH=/bin:/usr/bin
    sleep 1
    printf '#!/bin/sh\\n%s\\n' '${REPORTS('built')}' > "$GOBIN/temporal"
    chmod 755 "$GOBIN/temporal"`;
}
