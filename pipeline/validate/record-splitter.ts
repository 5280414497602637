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

/**
 * Called for every record that is not blank, with its bytes as `data[start..end)` without the line end.
 * `data` is only valid during the call. `line` is the file's line (from 1) on which the record starts.
 * `quotedFields` is the number of the record's fields when it holds a quote, else 0 (its commas tell them);
 * `malformed` tells that text follows a closing quote.
 */
export type OnRecord = (
  data: Buffer,
  start: number,
  end: number,
  line: number,
  quotedFields: number,
  malformed: boolean,
) => void;

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
  readonly #onRecord: OnRecord;
  /** Starts with the record that is incomplete so far; one buffer for all chunks, which grows when it must. */
  #buffer = Buffer.alloc(0);
  #carried = 0;
  #line = 1;

  constructor(onRecord: OnRecord) {
    this.#onRecord = onRecord;
  }

  /** The chunk is only read during the call. */
  push(chunk: Buffer): void {
    let data = chunk;
    if (this.#carried > 0) {
      this.#makeRoom(this.#carried + chunk.length);
      chunk.copy(this.#buffer, this.#carried);
      data = this.#buffer.subarray(0, this.#carried + chunk.length);
    }
    const rest = this.#split(data, false);
    this.#carried = data.length - rest;
    this.#makeRoom(this.#carried);
    data.copy(this.#buffer, 0, rest);
  }

  /** Hands over a last record without a line end. */
  end(): void {
    const data = this.#buffer.subarray(0, this.#carried);
    this.#carried = 0;
    if (data.length > 0) this.#split(data, true);
  }

  #makeRoom(bytes: number): void {
    if (this.#buffer.length >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(2 * bytes);
    this.#buffer.copy(larger, 0, 0, this.#carried);
    this.#buffer = larger;
  }

  /** Returns where the first incomplete record starts. */
  #split(data: Buffer, isLast: boolean): number {
    // Only whole lines: a chunk border can cut a letter, a line feed cannot.
    this.#checkEncoding(isLast ? data : data.subarray(0, data.lastIndexOf(LF) + 1));
    let position = 0;
    let quote = data.indexOf(QUOTE);
    while (position < data.length) {
      const newline = data.indexOf(LF, position);
      if (quote !== -1 && quote < position) quote = data.indexOf(QUOTE, position);
      if (quote === -1 || (newline !== -1 && newline < quote)) {
        if (newline === -1 && !isLast) return this.#incomplete(data, position);
        const end = newline === -1 ? data.length : newline;
        this.#emit(data, position, end, 0, false);
        this.#line += 1;
        position = end + 1;
      } else {
        const next = this.#quotedRecord(data, position, isLast);
        if (next === undefined) return this.#incomplete(data, position);
        position = next;
      }
    }
    return data.length;
  }

  /** Emits the record at `position`, which holds a quote, and returns where the next one starts. */
  #quotedRecord(data: Buffer, position: number, isLast: boolean): number | undefined {
    const scan = scanQuoted(data, position, isLast);
    if (scan.swallowsLines) throw unclosedQuote(this.#line + scan.linesBefore);
    if (scan.state === 'unclosed') {
      if (isLast) throw unclosedQuote(this.#line + scan.linesBefore);
      return undefined;
    }
    if (scan.state === 'incomplete') return undefined;
    this.#emit(data, position, scan.end, scan.fields, scan.malformed);
    this.#line += scan.linesBefore + 1;
    return scan.end + 1;
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

  #emit(data: Buffer, start: number, lineEnd: number, quotedFields: number, malformed: boolean): void {
    const end = lineEnd > start && data[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    if (end === start) return;
    if (end - start > MAX_FIELD_BYTES) this.#checkSizes(data, start, end);
    this.#onRecord(data, start, end, this.#line, quotedFields, malformed);
  }

  #incomplete(data: Buffer, start: number): number {
    if (data.length - start > MAX_FIELD_BYTES) this.#checkSizes(data, start, data.length);
    return start;
  }

  /** Only for records over a mebibyte: finds a field that is too long. */
  #checkSizes(data: Buffer, start: number, end: number): void {
    if (end - start > MAX_RECORD_BYTES) {
      throw new FileRefused(`line ${this.#line} is longer than ${MAX_RECORD_BYTES / 1024 / 1024} MiB`);
    }
    const record = data.subarray(start, end);
    const scan = scanQuoted(record, 0, true);
    if (scan.longestField <= MAX_FIELD_BYTES) return;
    if (scan.state === 'unclosed') throw unclosedQuote(this.#line + scan.linesBefore);
    throw new FileRefused(`line ${this.#line} has a field longer than ${MAX_FIELD_BYTES / 1024 / 1024} MiB`);
  }
}

interface QuotedScan {
  state: 'complete' | 'incomplete' | 'unclosed';
  /** Index of the record's line feed, or the end of the data. */
  end: number;
  malformed: boolean;
  /** A malformed field spans lines; the scan has stopped there. */
  swallowsLines: boolean;
  /** Line feeds inside the record; when a quote is unclosed or swallows lines, those before it. */
  linesBefore: number;
  fields: number;
  longestField: number;
}

/** Walks over one record field by field. With `isLast` the end of the data ends the record. */
function scanQuoted(data: Buffer, from: number, isLast: boolean): QuotedScan {
  const scan: QuotedScan = {
    state: 'complete',
    end: data.length,
    malformed: false,
    swallowsLines: false,
    linesBefore: 0,
    fields: 0,
    longestField: 0,
  };
  // Looked for once and then kept: anew for every field, a long line of quoted fields would take quadratic time.
  let newline = data.indexOf(LF, from);
  for (let position = from; ; position += 1) {
    const start = position;
    const linesBefore = scan.linesBefore;
    scan.fields += 1;
    if (data[position] === QUOTE) {
      const close = closingQuote(data, position + 1);
      if (close === -1) {
        scan.longestField = Math.max(scan.longestField, data.length - start);
        return { ...scan, state: 'unclosed' };
      }
      for (; newline !== -1 && newline < close; newline = data.indexOf(LF, newline + 1)) {
        scan.linesBefore += 1;
      }
      position = close + 1;
    }
    const tail = position;
    while (position < data.length && data[position] !== COMMA && data[position] !== LF) position += 1;
    scan.longestField = Math.max(scan.longestField, position - start);
    const carriageReturn = position - tail === 1 && data[tail] === CR && data[position] !== COMMA;
    if (tail > start && position > tail && !carriageReturn) {
      scan.malformed = true;
      if (scan.linesBefore > linesBefore) return { ...scan, swallowsLines: true, linesBefore };
    }
    if (position >= data.length) return { ...scan, state: isLast ? 'complete' : 'incomplete' };
    if (data[position] === LF) return { ...scan, end: position };
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
    `the quote that opens a field on line ${line} is never closed (or its field is longer than ` +
      `${MAX_FIELD_BYTES / 1024 / 1024} MiB)`,
  );
}
