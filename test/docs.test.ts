import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { SETTINGS, type Setting } from '../config/settings.ts';
import { GENERATED, renewed } from '../docs/write-docs.ts';
import { projectRoot } from '../shared/project-root.ts';

const read = (file: string) => readFile(path.join(projectRoot, file), 'utf8');
/** Prettier pads tables; what counts are the cells. */
const cells = (text: string) => text.replace(/ +/g, ' ').replace(/-+/g, '-');

for (const { file, marker, text } of GENERATED) {
  test(`${file}: the table of ${marker} is that of the code`, async () => {
    const source = await read(file);
    assert.equal(
      cells(source),
      cells(renewed(source, marker, text())),
      'renew it: npm run docs && npm run format',
    );
  });
}

test('.env.example names every setting', async () => {
  const example = await read('.env.example');
  for (const [name, { secret }] of Object.entries<Setting<unknown>>(SETTINGS)) {
    assert.match(example, new RegExp(`^#?${name}=`, 'm'), `${name} is missing`);
    if (secret) assert.doesNotMatch(example, new RegExp(`^${name}=.*(sample-key|:[^@/]+@)`, 'm'));
  }
});

test('the links between the docs lead somewhere', async () => {
  for (const file of ['README.md', 'docs/architecture.md', 'docs/runbook.md', 'docs/adding-a-feed.md']) {
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
