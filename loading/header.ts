import Papa from 'papaparse';
import type { Column, Feed } from '../feeds/feeds.ts';
import { FileRefused } from './file-refused.ts';

/** Where each of the feed's columns stands in the file's records. */
export interface Layout {
  /** Number of fields that every record must have. */
  fieldCount: number;
  /** Per column of the feed, in the feed's order: its position, or -1 when the file lacks it. */
  positions: number[];
  /** Position of the column that tells the newest of equal keys, or -1. */
  newestByPosition: number;
  warnings: string[];
}

const OTHER_DELIMITERS: readonly [string, string][] = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
];

/** The layout of a file without a header: the feed's own order. */
export function layoutByPosition(feed: Feed): Layout {
  return layout(
    feed,
    feed.columns.map((column) => column.name),
    [],
  );
}

/** Reads a header line: columns are found by name, an unknown one is tolerated and told. */
export function layoutByHeader(feed: Feed, line: string): Layout {
  const names = splitLine(line).map((name) => name.trim());
  const expected = feed.columns.map((column) => column.name);
  const missing = feed.columns.filter(isMandatory).filter((column) => !names.includes(column.name));
  if (missing.length > 0) {
    refuseOtherDelimiter(line, feed.columns.length);
    const found = names.slice(0, 30).map((name) => shortened(name));
    throw new FileRefused(
      `the header lacks the column${missing.length > 1 ? 's' : ''} ${missing.map((c) => c.name).join(', ')}; ` +
        `found: ${found.join(', ')}; expected: ${expected.join(', ')}`,
    );
  }
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined)
    throw new FileRefused(`the header has the column "${shortened(repeated)}" twice`);
  const unknown = names.filter((name) => !expected.includes(name));
  const warnings = unknown.map((name) => `unknown column "${shortened(name)}" ignored`);
  return layout(feed, names, warnings);
}

/** For a file without a header: a first line that another delimiter would split into the feed's columns. */
export function refuseOtherDelimiter(line: string, columns: number): void {
  if (splitLine(line).length >= columns) return;
  for (const [delimiter, name] of OTHER_DELIMITERS) {
    if (line.split(delimiter).length >= columns) {
      throw new FileRefused(`the fields seem to be separated by ${name}; expected commas`);
    }
  }
}

function layout(feed: Feed, names: string[], warnings: string[]): Layout {
  return {
    fieldCount: names.length,
    positions: feed.columns.map((column) => names.indexOf(column.name)),
    newestByPosition: feed.newestBy === undefined ? -1 : names.indexOf(feed.newestBy),
    warnings,
  };
}

function isMandatory(column: Column): boolean {
  return column.whenColumnIsMissing === undefined;
}

function splitLine(line: string): string[] {
  return Papa.parse<string[]>(line, { delimiter: ',', newline: '\n' }).data[0] ?? [];
}

function shortened(name: string): string {
  return name.length > 40 ? `${name.slice(0, 40)}…` : name;
}
