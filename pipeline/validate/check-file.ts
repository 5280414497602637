import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { describeFile, type CheckedFile, type LandedFile } from '../../domain/day.ts';
import { failure } from '../../domain/failures.ts';
import { feedNamed, fileName, type Feed } from '../../domain/feeds.ts';
import { AtomicFile } from '../../runtime/atomic-file.ts';
import { READ } from '../../runtime/file-flags.ts';
import { copyLine } from './copy-text.ts';
import { FileRefused } from './file-refused.ts';
import { checkSignature, markBytes } from './file-signature.ts';
import { layoutByHeader, layoutByPosition, type Layout } from './header.ts';
import { RecordSplitter } from './record-splitter.ts';
import { RepeatWindow } from './repeat-window.ts';
import { RowChecker } from './row-checker.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Bytes behind any byte order marks that tell what kind of file it is. */
const SIGNATURE_BYTES = 16;
const SHOWN_REASONS = 3;
const LF = 0x0a;
/** Rows between two looks at whether enough is buffered to write it out. */
const ROWS_PER_FLUSH = 1_000;
const COMMA = 0x2c;
const QUOTE = 0x22;
const ZERO = 0x30;
/** An id of up to 15 digits is exact as a number. */
const SAFE_DIGITS = 15;

export interface CheckOptions {
  /** Share of bad rows beyond which the file is refused. */
  maxRejectedShare: number;
  signal?: AbortSignal;
  /** For tests. */
  chunkBytes?: number;
  windowBytes?: number;
}

/** The landed file, and where its good and its bad rows are written, each in COPY format. */
export interface CheckPaths {
  csv: string;
  rows: string;
  rejected: string;
}

/**
 * Reads a landed CSV file once, in chunks: checks it as a whole and row by row, drops exact repeats, and writes
 * the rest in COPY format. Nothing touches the database here, so a day is refused before anything has changed.
 * Throws `FileRefused`, and `LandedFileGone` when it is not the file that was downloaded.
 */
export async function checkFile(
  paths: CheckPaths,
  file: LandedFile,
  options: CheckOptions,
): Promise<CheckedFile> {
  return await AtomicFile.using(paths.rows, (rows) =>
    AtomicFile.using(paths.rejected, async (rejected) => {
      const check = new FileCheck(paths.csv, file, options, rows, rejected);
      await check.run();
      const result = check.result();
      return { ...result, rowsSha256: await rows.commit(), rejectedSha256: await rejected.commit() };
    }),
  );
}

class FileCheck {
  readonly #csvPath: string;
  readonly #file: LandedFile;
  readonly #options: CheckOptions;
  readonly #feed: Feed;
  readonly #rows: AtomicFile;
  readonly #rejected: AtomicFile;
  readonly #hash = createHash('sha256');
  readonly #window: RepeatWindow;
  readonly #reasons: string[] = [];
  /** Lines at which rows with a field that spans lines begin. */
  readonly #multiLine: number[] = [];
  #layout: Layout | undefined;
  #checker: RowChecker | undefined;
  #rowsRead = 0;
  #rowsRejected = 0;
  #rowsPrepared = 0;

  constructor(
    csvPath: string,
    file: LandedFile,
    options: CheckOptions,
    rows: AtomicFile,
    rejected: AtomicFile,
  ) {
    this.#csvPath = csvPath;
    this.#file = file;
    this.#options = options;
    this.#feed = feedNamed(file.feed);
    this.#rows = rows;
    this.#rejected = rejected;
    this.#window = new RepeatWindow(options.windowBytes);
  }

  async run(): Promise<void> {
    const splitter = new RecordSplitter((...record) => this.#onRecord(...record));
    let head: Buffer | undefined = Buffer.alloc(0);
    for await (const chunk of this.#chunks()) {
      let data = chunk;
      this.#hash.update(data);
      if (head) {
        head = Buffer.concat([head, data]);
        if (head.length - markBytes(head) < SIGNATURE_BYTES) continue;
        data = head.subarray(checkSignature(head).skip);
        head = undefined;
      }
      splitter.push(data);
      if (this.#window.isFull) await this.#drainWindow();
      await this.#rows.flush();
      await this.#rejected.flush();
    }
    if (head) splitter.push(head.subarray(checkSignature(head).skip));
    splitter.end();
    await this.#drainWindow();
    this.#refuseWhole();
  }

  /** The file's bytes, each time in the same buffer: one for every chunk would be garbage faster than it is collected. */
  async *#chunks(): AsyncGenerator<Buffer> {
    const { chunkBytes = CHUNK_BYTES, signal } = this.#options;
    const buffer = Buffer.allocUnsafeSlow(chunkBytes);
    const file = await open(this.#csvPath, READ);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const { bytesRead } = await file.read(buffer, 0, chunkBytes, null);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  result(): Omit<CheckedFile, 'rowsSha256' | 'rejectedSha256'> {
    if (this.#hash.digest('hex') !== this.#file.sha256) {
      throw failure('LandedFileGone', `${describeFile(this.#file)} has changed on disk since its download.`);
    }
    const warnings = [...(this.#layout?.warnings ?? [])];
    if (this.#rowsRead === 0) warnings.push('the file has no rows');
    if (this.#multiLine.length > 0) warnings.push(this.#multiLineWarning());
    return {
      ...this.#file,
      rowsRead: this.#rowsRead,
      rowsRejected: this.#rowsRejected,
      warnings,
    };
  }

  #onRecord(
    data: Buffer,
    start: number,
    end: number,
    line: number,
    quotedFields: number,
    malformed: boolean,
  ): void {
    if (!this.#layout) {
      const text = data.toString('utf8', start, end);
      if (text.trim() === '') return;
      if (this.#feed.hasHeader) {
        this.#useLayout(layoutByHeader(this.#feed, text));
        return;
      }
      this.#useLayout(layoutByPosition(this.#feed, text));
    }
    this.#rowsRead += 1;
    if (quotedFields > 0 && data.subarray(start, end).includes(LF)) this.#multiLine.push(line);
    const raw = this.#rawContent(data, start, end, quotedFields > 0);
    if (raw && this.#window.repeats(raw, raw.id, this.#rowsRead)) return;
    this.#newContent(data.toString('utf8', start, end), line, quotedFields, malformed, raw);
  }

  /** A stray quote must not swallow rows without a word (contract, ruling 32). */
  #multiLineWarning(): string {
    const lines = this.#multiLine;
    const shown = lines.slice(0, SHOWN_REASONS).join(', ');
    const more = lines.length > SHOWN_REASONS ? ` and ${lines.length - SHOWN_REASONS} more` : '';
    return `a quoted field spans lines in the row${lines.length === 1 ? '' : 's'} at line ${shown}${more}`;
  }

  #useLayout(layout: Layout): void {
    this.#layout = layout;
    this.#checker = new RowChecker(this.#feed, layout);
  }

  #newContent(
    text: string,
    line: number,
    quotedFields: number,
    malformed: boolean,
    raw: Content | undefined,
  ): void {
    const checked = this.#checker?.check(text, quotedFields, malformed);
    if (!checked) return;
    if (!checked.ok) {
      this.#reject(text, line, checked.rejected.column, checked.rejected.rule, checked.rejected.reason);
      return;
    }
    const ordinal = this.#rowsRead;
    // A record whose id is not plain digits is known by its checked form; no record starts with a line feed.
    const known = raw ?? contentOf(`\n${checked.row}`, checked.newestBy);
    if (!known) {
      this.#write(ordinal, checked.newestBy, checked.row);
    } else if (raw || !this.#window.repeats(known, known.id, ordinal)) {
      this.#window.add(known, known.id, ordinal, checked.row);
    }
  }

  /** The record's bytes without its id, and the id; undefined when the id is not plain digits. */
  #rawContent(data: Buffer, start: number, end: number, quoted: boolean): Content | undefined {
    const position = this.#layout?.newestByPosition ?? -1;
    if (position === -1) return { data, start, end, id: NO_ID };
    let from = start;
    for (let field = 0; field < position; field += 1) {
      const comma = data.indexOf(COMMA, from);
      if (comma === -1 || comma >= end) return undefined;
      from = comma + 1;
    }
    // A comma behind a quote may be text.
    if (quoted && position > 0 && data.indexOf(QUOTE, start) < from) return undefined;
    const inQuotes = data[from] === QUOTE;
    const firstDigit = inQuotes ? from + 1 : from;
    let id = 0;
    let to = firstDigit;
    for (; to < end && to - firstDigit < SAFE_DIGITS; to += 1) {
      const digit = (data[to] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      id = id * 10 + digit;
    }
    if (to === firstDigit || (inQuotes && data[to] !== QUOTE)) return undefined;
    if (inQuotes) to += 1;
    if (to < end && data[to] !== COMMA) return undefined;
    if (from === start) return { data, start: to, end, id };
    const content = Buffer.concat([data.subarray(start, from), data.subarray(to, end)]);
    return { data: content, start: 0, end: content.length, id };
  }

  #reject(text: string, line: number, column: string | null, rule: string, reason: string): void {
    this.#rowsRejected += 1;
    if (this.#reasons.length < SHOWN_REASONS) this.#reasons.push(`line ${line}: ${reason}`);
    const file = fileName(this.#file);
    const { loadDate } = this.#file;
    // PostgreSQL cannot hold a NUL byte; the symbol for it keeps the row readable.
    const values = [loadDate, file, String(line), column, rule, reason, text].map(
      (value) => value?.replaceAll('\0', '\u2400') ?? null,
    );
    this.#rejected.write(copyLine(values));
  }

  async #drainWindow(): Promise<void> {
    for (const { id, ordinal, row } of this.#window.drain()) {
      this.#write(ordinal, id === NO_ID ? null : String(id), row);
      if (this.#rowsPrepared % ROWS_PER_FLUSH === 0) await this.#rows.flush();
    }
  }

  #write(ordinal: number, id: string | null, row: string | Buffer): void {
    this.#rowsPrepared += 1;
    const newestBy = this.#feed.newestBy === undefined ? '' : `${id ?? '\\N'}\t`;
    this.#rows.write(`${ordinal}\t${newestBy}`);
    this.#rows.write(row);
    this.#rows.write('\n');
  }

  #refuseWhole(): void {
    if (!this.#layout && this.#feed.hasHeader) throw new FileRefused('the file is empty');
    // Divided, not multiplied: 100 * 0.29 is a little less than 29, and exactly the share is allowed.
    if (this.#rowsRejected / this.#rowsRead > this.#options.maxRejectedShare) {
      const share = ((100 * this.#rowsRejected) / this.#rowsRead).toFixed(1);
      throw new FileRefused(
        `${this.#rowsRejected} of its ${this.#rowsRead} rows (${share} %) are bad, more than MAX_REJECTED_SHARE ` +
          `allows (${this.#options.maxRejectedShare}); first: ${this.#reasons.join(' ')}`,
      );
    }
  }
}

/** A record without its id, `data[start..end)`. */
interface Content {
  data: Buffer;
  start: number;
  end: number;
  id: number;
}

const NO_ID = -Infinity;

function contentOf(content: string, newestBy: string | null): Content | undefined {
  const id = newestBy === null ? NO_ID : Number(newestBy);
  if (newestBy !== null && !Number.isSafeInteger(id)) return undefined;
  const data = Buffer.from(content);
  return { data, start: 0, end: data.length, id };
}
