import Papa from 'papaparse';
import { checkColumn } from './column-rules.ts';
import type { Column, Feed } from '../../domain/feeds.ts';
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
/** Names and warnings beyond these are only counted: a message stays readable whatever stands in the file. */
const SHOWN_NAMES = 20;
const SHOWN_NAME_CHARACTERS = 40;

/** The layout of a file without a header: the feed's own order, unless its first row has another delimiter. */
export function layoutByPosition(feed: Feed, firstRow: string): Layout {
  refuseOtherDelimiter((delimiter) => areValues(feed.columns, firstRow.split(delimiter)));
  return layout(
    feed,
    feed.columns.map((column) => column.name),
    [],
  );
}

/** Reads a header line: columns are found by name, an unknown one is tolerated and told. */
export function layoutByHeader(feed: Feed, line: string): Layout {
  const names = splitLine(line).map((name) => name.trim());
  const found = new Set(names);
  const expected = feed.columns.map((column) => column.name);
  const mandatory = feed.columns.filter((column) => column.whenColumnIsMissing === undefined);
  const missing = mandatory.filter((column) => !found.has(column.name));
  if (line.includes('\r')) {
    throw new FileRefused('its lines seem to end with CR alone; expected LF or CRLF');
  }
  if (missing.length > 0) {
    refuseOtherDelimiter((delimiter) => line.split(delimiter).length >= mandatory.length);
    throw new FileRefused(
      `the header lacks the column${missing.length > 1 ? 's' : ''} ${missing.map((c) => c.name).join(', ')}; ` +
        `found: ${listed(names).join(', ')}; expected: ${expected.join(', ')}`,
    );
  }
  if (found.size < names.length) {
    const repeated = firstRepeated(names) ?? '';
    throw new FileRefused(`the header has the column "${shortened(repeated)}" twice`);
  }
  const unknown = names.filter((name) => !expected.includes(name));
  return layout(feed, names, unknownColumns(unknown));
}

function unknownColumns(names: readonly string[]): string[] {
  const warnings = names.slice(0, SHOWN_NAMES).map((name) => `unknown column "${shortened(name)}" ignored`);
  const more = names.length - warnings.length;
  return more > 0 ? [...warnings, `${more} more unknown columns ignored`] : warnings;
}

function refuseOtherDelimiter(fits: (delimiter: string) => boolean): void {
  const other = OTHER_DELIMITERS.find(([delimiter]) => fits(delimiter));
  if (other) throw new FileRefused(`the fields seem to be separated by ${other[1]}; expected commas`);
}

/** A semicolon often comes with a decimal comma, which would make a field of its own: `Milk;99,50`. */
function areValues(columns: readonly Column[], values: readonly string[]): boolean {
  return (
    values.length === columns.length &&
    columns.every((column, index) => !checkColumn(column, (values[index] ?? '').replace(',', '.')))
  );
}

function layout(feed: Feed, names: string[], warnings: string[]): Layout {
  return {
    fieldCount: names.length,
    positions: feed.columns.map((column) => names.indexOf(column.name)),
    newestByPosition: feed.newestBy === undefined ? -1 : names.indexOf(feed.newestBy),
    warnings,
  };
}

function splitLine(line: string): string[] {
  return Papa.parse<string[]>(line, { delimiter: ',', newline: '\n' }).data[0] ?? [];
}

function firstRepeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

function listed(names: readonly string[]): string[] {
  const shown = names.slice(0, SHOWN_NAMES).map(shortened);
  return names.length > SHOWN_NAMES ? [...shown, `${names.length - SHOWN_NAMES} more`] : shown;
}

/** A name as a message shows it: neither PostgreSQL nor a terminal takes every character of a foreign file. */
function shortened(name: string): string {
  const visible = name.replace(/\p{Cc}/gu, '\ufffd');
  if (visible.length <= SHOWN_NAME_CHARACTERS) return visible;
  return `${visible.slice(0, SHOWN_NAME_CHARACTERS).replace(/[\ud800-\udbff]$/, '')}…`;
}
