import { isUtf8 } from 'node:buffer';
import { FileRefused } from './file-refused.ts';

/** A field longer than this refuses the file (contract, ruling 7); it also bounds what an unclosed quote swallows. */
export const MAX_FIELD_BYTES = 1024 * 1024;
/** A record longer than this refuses the file. */
const MAX_RECORD_BYTES = 8 * MAX_FIELD_BYTES;

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;

/** The bytes `data[start..end)`, without a line end. */
export interface CsvRecord {
  data: Buffer;
  start: number;
  end: number;
  /** The file's line, from 1, on which the record starts. */
  line: number;
  /** Line ends within quoted fields. */
  innerLines: number;
  /** Number of fields of a record that holds a quote; 0 for any other, whose commas separate its fields. */
  quotedFields: number;
  /** Text follows a closing quote. */
  malformed: boolean;
}

/**
 * Cuts a stream of bytes into CSV records (RFC 4180; LF, CRLF or mixed line ends), whatever the chunks are.
 * Bytes, not strings: a Cyrillic letter cut by a chunk border stays whole, and most records of a real file are
 * repeats that never need to become strings. A quote counts only at the start of a field, so a stray one
 * inside a field harms nothing; one that opens a field and never closes refuses the file by its line.
 *
 * Where further quotes follow, a field that was never closed seems to end at the next one, lines later, with text
 * behind it. Every row in between would be lost in one bad row, so that refuses the file as well.
 */
export class RecordSplitter {
  /** The record that is incomplete so far. */
  #rest = Buffer.alloc(0);
  #line = 1;

  /** The records that end in this chunk, without blank lines. */
  *push(chunk: Buffer): Generator<CsvRecord> {
    const data = Buffer.concat([this.#rest, chunk]);
    this.#rest = data.subarray(yield* this.#split(data, false));
  }

  /** The last record, when no line end follows it. */
  *end(): Generator<CsvRecord> {
    yield* this.#split(this.#rest, true);
  }

  /** Returns where the first incomplete record starts. */
  *#split(data: Buffer, isLast: boolean): Generator<CsvRecord, number> {
    // Only whole lines: a chunk border can cut a letter, a line feed cannot.
    this.#checkEncoding(isLast ? data : data.subarray(0, data.lastIndexOf(LF) + 1));
    let quote = data.indexOf(QUOTE);
    for (let start = 0; start < data.length;) {
      const newline = data.indexOf(LF, start);
      if (quote !== -1 && quote < start) quote = data.indexOf(QUOTE, start);
      const hasQuote = quote !== -1 && (newline === -1 || quote < newline);
      const lineEnd = newline === -1 ? data.length : newline;
      let end = newline === -1 && !isLast ? undefined : lineEnd;
      let scan: Fields | undefined;
      if (hasQuote || lineEnd - start > MAX_FIELD_BYTES) {
        scan = scanFields(data, start, isLast, this.#line);
        end = scan?.end;
      }
      if ((end ?? data.length) - start > MAX_RECORD_BYTES) {
        throw new FileRefused(`line ${this.#line} is longer than ${MAX_RECORD_BYTES / MAX_FIELD_BYTES} MiB`);
      }
      if (end === undefined) return start;
      const textEnd = end > start && data[end - 1] === CR ? end - 1 : end;
      const innerLines = scan?.innerLines ?? 0;
      if (textEnd > start) {
        const quotedFields = hasQuote ? (scan?.count ?? 0) : 0;
        const malformed = scan?.malformed ?? false;
        yield { data, start, end: textEnd, line: this.#line, innerLines, quotedFields, malformed };
      }
      this.#line += 1 + innerLines;
      start = end + 1;
    }
    return data.length;
  }

  #checkEncoding(lines: Buffer): void {
    if (isUtf8(lines)) return;
    let line = this.#line;
    let start = 0;
    for (let end = lines.indexOf(LF); end !== -1 && isUtf8(lines.subarray(start, end)); line += 1) {
      start = end + 1;
      end = lines.indexOf(LF, start);
    }
    throw new FileRefused(`line ${line} has bytes that are not UTF-8`);
  }
}

interface Fields {
  /** Index of the record's line feed, or the end of the data. */
  end: number;
  count: number;
  innerLines: number;
  malformed: boolean;
}

/**
 * Walks over the record at `start` field by field; undefined when it is incomplete. With `isLast` the end of the data
 * ends it. `line` is the file's line at `start`.
 */
function scanFields(data: Buffer, start: number, isLast: boolean, line: number): Fields | undefined {
  let innerLines = 0;
  let malformed = false;
  // Looked for once and then kept: anew for every field, a long line of quoted fields would take quadratic time.
  let newline = data.indexOf(LF, start);
  for (let count = 1, position = start; ; count += 1, position += 1) {
    const fieldStart = position;
    const fieldLine = line + innerLines;
    if (data[position] === QUOTE) {
      const close = closingQuote(data, position + 1);
      if (close === -1) {
        if (isLast || data.length - fieldStart > MAX_FIELD_BYTES) throw unclosedQuote(fieldLine);
        return undefined;
      }
      for (; newline !== -1 && newline < close; newline = data.indexOf(LF, newline + 1)) innerLines += 1;
      position = close + 1;
    }
    const tail = position;
    while (position < data.length && data[position] !== COMMA && data[position] !== LF) position += 1;
    if (position - fieldStart > MAX_FIELD_BYTES) {
      throw new FileRefused(`line ${line} has a field longer than 1 MiB`);
    }
    const isLineEnd = position - tail === 1 && data[tail] === CR && data[position] !== COMMA;
    if (tail > fieldStart && position > tail && !isLineEnd) {
      malformed = true;
      if (line + innerLines > fieldLine) throw unclosedQuote(fieldLine);
    }
    if (position >= data.length) {
      return isLast ? { end: data.length, count, innerLines, malformed } : undefined;
    }
    if (data[position] === LF) return { end: position, count, innerLines, malformed };
  }
}

/** Index of the quote that closes a field whose text starts at `from`; doubled quotes are text. */
function closingQuote(data: Buffer, from: number): number {
  let quote = data.indexOf(QUOTE, from);
  while (quote !== -1 && data[quote + 1] === QUOTE) quote = data.indexOf(QUOTE, quote + 2);
  return quote;
}

function unclosedQuote(line: number): FileRefused {
  return new FileRefused(
    `the quote that opens a field on line ${line} is never closed (or its field is longer than 1 MiB)`,
  );
}
