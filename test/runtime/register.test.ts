import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { projectRoot } from '../../runtime/project-root.ts';

/** Of everything that can hold a command: sources, scripts, image, manifests, docs. */
async function projectFiles(folder = ''): Promise<string[]> {
  const entries = await readdir(path.join(projectRoot, folder), { withFileTypes: true });
  const files = entries.map(async (entry) => {
    const name = path.join(folder, entry.name);
    if (/^(\.git|dist|node_modules|var)$/.test(name)) return [];
    if (entry.isDirectory()) return await projectFiles(name);
    return entry.isFile() && /\.(ts|js|sh|json|ya?ml|md|sql)$|^Dockerfile$/.test(entry.name) ? [name] : [];
  });
  return (await Promise.all(files)).flat();
}

test('no program is started in another way than by runtime/register.js', async () => {
  const files = new Set(await projectFiles());
  assert.ok(files.has('package.json') && files.has('Dockerfile') && files.size > 100);
  const itself = path.relative(projectRoot, import.meta.filename);
  for (const file of ['runtime/register.js', 'package-lock.json', itself]) files.delete(file);
  for (const file of files) {
    const text = await readFile(path.join(projectRoot, file), 'utf8');
    const tsx = /--import,? (?!\.\/runtime\/)\S*tsx|(npx|exec|command:|\.bin\/) ?['"]?tsx\b/;
    assert.doesNotMatch(text, tsx, file);
  }
  const { scripts } = JSON.parse(await readFile(path.join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [name, script] of Object.entries(scripts).filter(([, text]) => /\bnode\b/.test(text)))
    assert.match(script, /--import \.\/runtime\/register\.js/, name);
});

test('a program reads and leaves nothing in the temporary directory, and what it writes is private', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'register-'));
  t.after(() => rm(directory, { recursive: true }));
  const run = async (...args: string[]) => {
    const env = { PATH: process.env.PATH, HOME: directory, TMPDIR: directory };
    return (await promisify(execFile)(process.execPath, args, { cwd: projectRoot, env })).stdout;
  };
  assert.match(await run('bin/sales-increment.js', '--help'), /Usage: client/);
  assert.deepEqual(await readdir(directory), []);
  assert.equal(
    await run('--import', './runtime/register.js', '--print', 'process.umask().toString(8)'),
    '77\n',
  );
});
