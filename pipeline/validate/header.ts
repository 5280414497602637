import Papa from 'papaparse';
import { checkColumn } from './column-rules.ts';
import type { Column, Feed } from '../../domain/feeds.ts';
import { firstFew } from '../../domain/text.ts';
import { FileRefused } from './file-refused.ts';

/** Where each of the feed's columns stands in the file's records. */
export interface Layout {
  /** Number of fields that every record must have. */
  fieldCount: number;
  /** Per column of the feed, in the feed's order: its position, or -1 when the file lacks it. */
  positions: number[];
  /** Position of the column that decides which of equal keys is the newest, or -1. */
  newestByPosition: number;
  warnings: string[];
}

const MAX_SHOWN = 10;

const OTHER_DELIMITERS: readonly [string, string][] = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
];

/**
 * The layout of a file by its first line. In a header columns are found by name, unknown ones are ignored with a warning.
 * Without one it is the feed's own order, unless the first row has another delimiter. Only names of known columns are
 * quoted: a file may lack its header and begin with a row, whose values stay private (contract, ruling 39).
 */
export function layoutOf(feed: Feed, line: string): Layout {
  const expected = feed.columns.map((column) => column.name);
  if (!feed.hasHeader) {
    refuseOtherDelimiter((delimiter) => areValues(feed.columns, line.split(delimiter)));
    return layout(feed, expected, []);
  }
  const names = splitQuoted(line.replace(/^\uFEFF+/, '')).map((name) => name.trim());
  const found = expected.filter((name) => names.includes(name));
  const mandatory = feed.columns.filter((column) => column.whenColumnIsMissing === undefined);
  const missing = mandatory.map((column) => column.name).filter((name) => !found.includes(name));
  if (line.includes('\r')) {
    throw new FileRefused('its lines seem to end with CR alone; expected LF or CRLF');
  }
  if (missing.length > 0) {
    refuseOtherDelimiter((delimiter) => line.split(delimiter).length >= mandatory.length);
    throw new FileRefused(
      `the header lacks the column${missing.length > 1 ? 's' : ''} ${missing.join(', ')}; ` +
        `it has ${found.join(', ') || 'no known column'} and ${names.length - found.length} unknown`,
    );
  }
  const repeated = firstRepeated(names);
  if (repeated !== undefined) {
    const name = expected.includes(repeated) ? `"${repeated}"` : `number ${names.indexOf(repeated) + 1}`;
    throw new FileRefused(`the header has the column ${name} twice`);
  }
  const unknown = names.flatMap((name, index) => (expected.includes(name) ? [] : [index + 1]));
  const [columns, are] = unknown.length === 1 ? ['column', 'is'] : ['columns', 'are'];
  const warning = `${columns} ${firstFew(unknown, MAX_SHOWN)} ${are} unknown and ignored`;
  return layout(feed, names, unknown.length === 0 ? [] : [warning]);
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

/** The parser itself: `Papa.parse` would take a byte order mark off the record and costs several times more. */
const parser = new Papa.Parser({ delimiter: ',', newline: '\n' });

/** The fields of a record that may have quotes. */
export function splitQuoted(text: string): string[] {
  return (parser.parse(text, 0, false) as Papa.ParseResult<string[]>).data[0] ?? [];
}

/** Several nameless columns, as trailing commas make them, are no fault (contract, ruling 31). */
function firstRepeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => name !== '' && seen.size === seen.add(name).size);
}
