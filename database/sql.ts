import { readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../runtime/project-root.ts';

const texts = new Map<string, string>();

/** The text of `sql/<name>.sql`, read once. */
export function sql(name: string): string {
  let text = texts.get(name);
  if (text === undefined) {
    text = readFileSync(path.join(projectRoot, 'sql', `${name}.sql`), 'utf8');
    texts.set(name, text);
  }
  return text;
}
