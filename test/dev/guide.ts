import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A fenced block of a guide, with the line before it that says what it is for. */
export interface Block {
  language: string;
  text: string;
  lead: string;
}

/** All fenced blocks of a Markdown text, in their order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^(.*)\n\n```(\w*)\n([^]*?)^```$/gm)].map(
    ([, lead = '', language = '', text = '']) => ({ language, text, lead }),
  );
}

/** The lines of a block that are commands. */
export function commandsOf({ text }: Block): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * Does what a block says to a copy of the project: a lead of nothing but a path makes a file (NNNN is the next number),
 * and one with "at the end of `NAME`" adds to that list. False when the block is about something else.
 */
export async function applyBlock(directory: string, { lead, text }: Block): Promise<boolean> {
  const [, file] = /^`([\w./-]+)`:$/.exec(lead) ?? [];
  if (file !== undefined) {
    const target = path.join(directory, await numbered(directory, file));
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, text, { flag: 'wx' });
    return true;
  }
  const [, source, list] = /^In `([\w./-]+)`, at the end of `(\w+)`:$/.exec(lead) ?? [];
  if (source === undefined || list === undefined) return false;
  const target = path.join(directory, source);
  const before = await readFile(target, 'utf8');
  const end = before.indexOf('\n];', before.indexOf(`export const ${list}`));
  if (end === -1) throw new Error(`${source} has no list ${list}.`);
  await writeFile(target, `${before.slice(0, end)}\n${text.trimEnd()}${before.slice(end)}`);
  return true;
}

async function numbered(directory: string, file: string): Promise<string> {
  if (!file.includes('NNNN')) return file;
  const last = (await readdir(path.join(directory, path.dirname(file)))).sort().at(-1) ?? '';
  return file.replace('NNNN', String(Number(last.slice(0, 4)) + 1).padStart(4, '0'));
}
