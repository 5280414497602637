import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { SETTINGS, type Setting } from '../runtime/settings.ts';
import { GENERATED_FILES, upToDate } from '../dev/docs/write-docs.ts';
import { projectRoot } from '../runtime/project-root.ts';

const read = (file: string) => readFile(path.join(projectRoot, file), 'utf8');
for (const file of GENERATED_FILES) {
  test(`${file}: what is made of the code is that of the code`, async () => {
    assert.equal(await read(file), await upToDate(file), 'renew it: npm run docs');
  });
}

test('.env.example names every setting', async () => {
  const example = await read('.env.example');
  for (const [name, { secret }] of Object.entries<Setting<unknown>>(SETTINGS)) {
    assert.match(example, new RegExp(`^#?${name}=`, 'm'), `${name} is missing`);
    if (secret) assert.doesNotMatch(example, new RegExp(`^${name}=.*(sample-key|:[^@/]+@)`, 'm'));
  }
});

const docs = (
  await Promise.all(
    ['.', 'docs', 'docs/decisions', 'dev/bench'].map(async (folder) =>
      (await readdir(path.join(projectRoot, folder))).map((name) => path.join(folder, name)),
    ),
  )
)
  .flat()
  .filter((name) => name.endsWith('.md'));

for (const file of docs) {
  test(`${file}: the links and the test files that it names exist`, async () => {
    const text = await read(file);
    const linked = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = '']) =>
      path.join(path.dirname(file), target),
    );
    const tests = [...text.matchAll(/\btest\/[\w/-]+(?:\.test)?(?:\.ts\b|\/)/g)].map(([name]) => name);
    for (const target of [...linked, ...tests]) {
      assert.ok(existsSync(path.join(projectRoot, target)), `${file} names ${target}`);
    }
  });
}

test('the Node.js version is the same everywhere', async () => {
  const { engines } = JSON.parse(await read('package.json')) as { engines: { node: string } };
  const version = engines.node.replace('>=', '');
  for (const file of ['README.md', 'CONTRIBUTING.md', 'temporal-dev.sh'])
    assert.ok((await read(file)).replace(/\s+/g, ' ').includes(`${version} or newer`), file);
});

test('every promise of the README and every section of docs/trust.md names a test', async () => {
  const promises =
    (await read('README.md')).split('## What it promises')[1]?.split('\n\n')[1]?.split('\n') ?? [];
  const sections = (await read('docs/trust.md')).split('\n## ');
  assert.ok(promises.length > 10 && sections.length > 5);
  for (const claim of [...promises.slice(2), ...sections.slice(1)])
    assert.match(claim, /`test\/[\w/-]+\.test\.ts`/, claim.slice(0, 80));
});
