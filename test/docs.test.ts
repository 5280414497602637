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

test('docs/api.md names every message that a workflow takes', async () => {
  const steps = await Promise.all(
    (await readdir(path.join(projectRoot, 'workflows/steps'))).map((name) => read(`workflows/steps/${name}`)),
  );
  const taken = [...steps.join('\n').matchAll(/define(Query|Update|Signal)<[^>]*>\('(\w+)'\)/g)].map(
    ([, kind = '', name = '']) => `${name} ${kind.toLowerCase()}`,
  );
  const named = [...(await read('docs/api.md')).matchAll(/^\| `(\w+)` +\| (query|update|signal) /gm)].map(
    ([, name = '', kind = '']) => `${name} ${kind}`,
  );
  assert.ok(taken.length >= 7);
  assert.deepEqual(named.sort(), taken.sort());
});

test('.env.example names every setting', async () => {
  const example = await read('.env.example');
  for (const [name, { secret }] of Object.entries<Setting<unknown>>(SETTINGS)) {
    assert.match(example, new RegExp(`^#?${name}=`, 'm'), `${name} is missing`);
    if (secret) assert.doesNotMatch(example, new RegExp(`^${name}=.*(sample-key|:[^@/]+@)`, 'm'));
  }
});

test('the links between the docs lead somewhere', async () => {
  const docs = (await readdir(path.join(projectRoot, 'docs'))).filter((name) => name.endsWith('.md'));
  for (const file of ['README.md', ...docs.map((name) => `docs/${name}`)]) {
    for (const [, target = ''] of (await read(file)).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(existsSync(path.join(projectRoot, path.dirname(file), target)), `${file} links to ${target}`);
    }
  }
});

test('the README names every test file that proves a promise', async () => {
  for (const [, target = ''] of (await read('README.md')).matchAll(/`(test\/[^`]*)`/g)) {
    assert.ok(existsSync(path.join(projectRoot, target)), target);
  }
});
