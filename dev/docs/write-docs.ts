import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { SETTINGS, type Setting } from '../../runtime/settings.ts';
import { FAILURES } from '../../domain/failures.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { COMMANDS, schemaFile, schemaOf } from './schemas.ts';

/** By file, the marker of its generated part and what makes it. */
const TABLES: Readonly<Record<string, [marker: string, text: () => string]>> = {
  'docs/settings.md': ['settings', settingsTable],
  'docs/runbook.md': ['failures', failuresTable],
};

const SCHEMAS = new Map(COMMANDS.map((command) => [schemaFile(command), command]));

export const GENERATED_FILES: readonly string[] = [...Object.keys(TABLES), ...SCHEMAS.keys()];

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
    ([type, { retryable, symptom, look, next }]) =>
      `| \`${type}\`: ${symptom}${retryable ? ' ↻' : ''} | ${look} | ${next} |`,
  );
  return ['| symptom | look here | do this |', '| --- | --- | --- |', ...rows].join('\n');
}

/** A file's text as it should be, formatted. */
export async function upToDate(file: string): Promise<string> {
  const command = SCHEMAS.get(file);
  if (command) return await formatted(file, JSON.stringify(schemaOf(command)));
  const [marker = '', text = settingsTable] = TABLES[file] ?? [];
  return await formatted(file, renewed(await readFile(path.join(projectRoot, file), 'utf8'), marker, text()));
}

export async function formatted(file: string, source: string): Promise<string> {
  const target = path.join(projectRoot, file);
  return await format(source, { ...(await resolveConfig(target)), filepath: target });
}

/** The text with the part between its markers replaced. */
function renewed(source: string, marker: string, text: string): string {
  const pattern = new RegExp(`(<!-- ${marker}: [^>]* -->\n)[^]*?(<!-- /${marker} -->)`);
  if (!pattern.test(source)) throw new Error(`No place is marked "${marker}".`);
  return source.replace(pattern, (_all, start: string, end: string) => `${start}\n${text}\n\n${end}`);
}

export async function writeDocs(): Promise<void> {
  for (const file of GENERATED_FILES) {
    await writeFile(path.join(projectRoot, file), await upToDate(file));
  }
}
