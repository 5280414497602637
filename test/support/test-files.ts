import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { projectRoot } from '../../runtime/project-root.ts';

/** The longest first, so that none of them runs alone at the end. */
const LONGEST = [
  'test/database/property.test.ts',
  'test/chaos/aimed.test.ts',
  'test/workflows/backfill.test.ts',
  'test/workflows/waits.test.ts',
  'test/chaos/leaks.test.ts',
  'test/chaos/chaos.test.ts',
  'test/dev/readme.test.ts',
];

/** All test files, relative to the project. */
export async function testFiles(folder = 'test'): Promise<string[]> {
  const names = await readdir(path.join(projectRoot, folder), { recursive: true });
  const files = names.filter((name) => name.endsWith('.test.ts')).map((name) => path.join(folder, name));
  const rank = (file: string) => (LONGEST.indexOf(file) + LONGEST.length + 1) % (LONGEST.length + 1);
  return files.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Of what takes tools that are not everywhere: containers, Citus. These run by their own scripts. */
export function isSpecialTest(file: string): boolean {
  return ['compose', 'distributed', 'image'].some((name) =>
    file.startsWith(path.join('test', name) + path.sep),
  );
}

/** A test that starts no process and is given no server: what it imports leads to neither. */
export async function isUnitTest(file: string): Promise<boolean> {
  const seen = new Set([path.join(projectRoot, file)]);
  for (const module of seen) {
    const source = await readFile(module, 'utf8');
    for (const [, imported = ''] of source.matchAll(/^(?:import|export) (?!type )[^;]*?'([^']+)';/gm)) {
      if (imported === 'node:child_process') return false;
      if (!imported.startsWith('.')) continue;
      const target = path.resolve(path.dirname(module), imported);
      if (target === path.join(import.meta.dirname, 'database.ts')) return false;
      if (target.endsWith('.ts') && existsSync(target)) seen.add(target);
    }
  }
  return true;
}
