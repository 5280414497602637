import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { SETTINGS, type Setting } from '../../runtime/settings.ts';
import { FAILURES } from '../../domain/failures.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { declarations } from './declarations.ts';
import { COMMANDS, documentsList, schemaFile, schemaOf } from './schemas.ts';

/** The parts that an engineer of another project would call, by source file. */
const API: Readonly<Record<string, readonly string[]>> = {
  'domain/feeds.ts': [
    'Feed',
    'Column',
    'ColumnType',
    'Source',
    'Delivery',
    'FEEDS',
    'fileName',
    'fileNames',
    'feedNamed',
  ],
  'runtime/settings.ts': ['SETTINGS', 'Setting', 'readSettings', 'SettingsError'],
  'domain/failures.ts': [
    'FAILURES',
    'FailureEntry',
    'FailureType',
    'FailureOptions',
    'failure',
    'isFailureType',
    'nextStep',
  ],
  'database/pool.ts': ['PoolOptions', 'createPool'],
  'database/database.ts': ['Database'],
  'database/session.ts': ['Session'],
  'database/migrate.ts': ['migrate', 'MigrationResult', 'SchemaMismatch', 'UnsuitableDatabase'],
  'pipeline/validate/check-file.ts': ['checkFile', 'CheckPaths', 'CheckOptions'],
  'pipeline/load/stage-file.ts': ['stageFile', 'RowPaths', 'StagingRun'],
  'pipeline/load/update-mart.ts': ['updateDimension', 'Dimension', 'updateFacts'],
  'domain/day.ts': [
    ...['RunOptions', 'RunRef', 'ReportRef', 'DeliveryFile', 'LandedFile', 'CheckedFile', 'StagedFile'],
    'FileCounts',
    ...['DayResult', 'DayOutcome'],
  ],
  'workflows/inputs.ts': ['SalesIncrementInput', 'SalesHistoryInput', 'SalesBackfillInput', 'BackfillCounts'],
  'workflows/sales-backfill.ts': ['BackfillResult'],
  'workflows/steps/progress.ts': ['RunState'],
  'workflows/steps/backfill-control.ts': ['BackfillState'],
};

/** The generated parts of the docs, by file and marker. */
const GENERATED: readonly { file: string; marker: string; text: () => string }[] = [
  { file: 'docs/settings.md', marker: 'settings', text: settingsTable },
  { file: 'docs/runbook.md', marker: 'failures', text: failuresTable },
  { file: 'docs/api.md', marker: 'documents', text: documentsList },
  ...Object.entries(API).map(([source, names]) => ({
    file: 'docs/api.md',
    marker: source,
    text: () => declarations(source, names),
  })),
];

const SCHEMAS = new Map(COMMANDS.map((command) => [schemaFile(command), command]));

export const GENERATED_FILES: readonly string[] = [
  ...new Set(GENERATED.map(({ file }) => file)),
  ...SCHEMAS.keys(),
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
    ([type, { retryable, symptom, look, next }]) =>
      `| \`${type}\`: ${symptom}${retryable ? ' ↻' : ''} | ${look} | ${next} |`,
  );
  return ['| symptom | look here | do this |', '| --- | --- | --- |', ...rows].join('\n');
}

/** A file's text with all its generated parts as they should be, formatted. */
export async function upToDate(file: string): Promise<string> {
  const target = path.join(projectRoot, file);
  const command = SCHEMAS.get(file);
  let source = command ? JSON.stringify(schemaOf(command)) : await readFile(target, 'utf8');
  for (const { marker, text } of GENERATED.filter((part) => part.file === file)) {
    source = renewed(source, marker, text());
  }
  return await format(source, { ...(await resolveConfig(target)), filepath: target });
}

/** The text with the part between its markers replaced. */
function renewed(source: string, marker: string, text: string): string {
  const pattern = new RegExp(`(<!-- ${marker}: [^>]* -->\n)[^]*?(<!-- /${marker} -->)`);
  if (!pattern.test(source)) throw new Error(`No place is marked "${marker}".`);
  return source.replace(pattern, (_all, start: string, end: string) => `${start}\n${text}\n\n${end}`);
}

if (process.argv[1] === import.meta.filename) {
  for (const file of GENERATED_FILES) {
    await writeFile(path.join(projectRoot, file), await upToDate(file));
  }
}
