import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SETTINGS, type Setting } from '../config/settings.ts';
import { FAILURES } from '../shared/failures.ts';
import { projectRoot } from '../shared/project-root.ts';

/** The generated parts of the docs, by file and marker. */
export const GENERATED: readonly { file: string; marker: string; text: () => string }[] = [
  { file: 'README.md', marker: 'settings', text: settingsTable },
  { file: 'docs/runbook.md', marker: 'failures', text: failuresTable },
];

function settingsTable(): string {
  const rows = Object.entries<Setting<unknown>>(SETTINGS).map(
    ([name, { meaning, default: value, required, secret }]) => {
      const shown = required ? '**required**' : value === undefined || value === '' ? '' : `\`${value}\``;
      return `| \`${name}\` | ${shown} | ${meaning}${secret ? '; secret' : ''} |`;
    },
  );
  return ['| setting | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function failuresTable(): string {
  const rows = Object.entries(FAILURES).map(
    ([type, { retryable, next }]) => `| \`${type}\` | ${retryable ? 'yes' : 'no'} | ${next} |`,
  );
  return ['| error | tried again by itself | what to do |', '| --- | --- | --- |', ...rows].join('\n');
}

/** The file's text with the part between its markers as it should be. */
export function renewed(source: string, marker: string, text: string): string {
  const pattern = new RegExp(`(<!-- ${marker}: [^>]* -->\n)[^]*?(<!-- /${marker} -->)`);
  if (!pattern.test(source)) throw new Error(`There is no place marked "${marker}".`);
  return source.replace(pattern, (_all, start: string, end: string) => `${start}\n${text}\n\n${end}`);
}

if (process.argv[1] === import.meta.filename) {
  for (const { file, marker, text } of GENERATED) {
    const target = path.join(projectRoot, file);
    await writeFile(target, renewed(await readFile(target, 'utf8'), marker, text()));
  }
}
