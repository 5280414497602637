import { feedNamed, type Feed } from '../../domain/feeds.ts';
import { firstFew } from '../../domain/text.ts';
import type { CheckedRows } from './checked-rows.ts';
import { FileRefused } from './file-refused.ts';
import { checkSignature } from './file-signature.ts';
import { layoutOf } from './header.ts';
import { contentWithoutId, NO_ID } from './record-content.ts';
import { RecordSplitter, type CsvRecord } from './record-splitter.ts';
import { RepeatWindow } from './repeat-window.ts';
import { RowChecker } from './row-checker.ts';

/** Lines and reasons in a message. */
const MAX_SHOWN = 3;
const ROWS_PER_FLUSH = 1_000;

export interface CheckOptions {
  /** Share of bad rows beyond which the file is refused. */
  maxRejectedShare: number;
  /** For tests. */
  windowBytes?: number;
}

export interface Checked {
  rowsRead: number;
  rowsRejected: number;
  warnings: string[];
}

/**
 * Checks the bytes of a CSV file as they come in, as a whole and row by row, drops exact repeats, and writes the rest to
 * `rows`. Nothing touches the database here.
 *
 * Reads to the end of a file that it refuses, too: whoever keeps the bytes on their way gets all of them.
 * Throws `FileRefused`.
 */
export async function checkFile(
  chunks: AsyncIterableIterator<Buffer>,
  feedName: string,
  rows: CheckedRows,
  { maxRejectedShare, windowBytes }: CheckOptions,
): Promise<Checked> {
  const check = new FileCheck(feedNamed(feedName), new RepeatWindow(windowBytes), rows);
  try {
    await check.run(keptOpen(chunks));
    return check.result(maxRejectedShare);
  } catch (error) {
    if (error instanceof FileRefused) while (!(await chunks.next()).done);
    throw error;
  }
}

/** A loop that ends early does not close it. */
function keptOpen<T>(iterator: AsyncIterableIterator<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}

class FileCheck {
  readonly #feed: Feed;
  readonly #window: RepeatWindow;
  readonly #output: CheckedRows;
  /** Once the columns are known. */
  #checker: RowChecker | undefined;
  #rowsRead = 0;
  #rowsRejected = 0;
  readonly #firstReasons: string[] = [];
  /** Lines at which rows with a field that spans lines begin. */
  readonly #multiLine: number[] = [];

  constructor(feed: Feed, window: RepeatWindow, output: CheckedRows) {
    this.#feed = feed;
    this.#window = window;
    this.#output = output;
  }

  async run(chunks: AsyncIterable<Buffer>): Promise<void> {
    const splitter = new RecordSplitter();
    for await (const chunk of checkSignature(chunks)) {
      for (const record of splitter.push(chunk)) this.#take(record);
      if (this.#window.isFull) await this.#drainWindow();
      await this.#output.flush();
    }
    for (const record of splitter.end()) this.#take(record);
    await this.#drainWindow();
  }

  result(maxRejectedShare: number): Checked {
    const [rowsRead, rowsRejected] = [this.#rowsRead, this.#rowsRejected];
    if (!this.#checker && this.#feed.hasHeader) throw new FileRefused('the file is empty');
    // Divided, not multiplied: 100 * 0.29 is a little less than 29, and exactly the share is allowed.
    if (rowsRejected / rowsRead > maxRejectedShare) {
      const percent = ((100 * rowsRejected) / rowsRead).toFixed(1);
      throw new FileRefused(
        `${rowsRejected} of its ${rowsRead} rows (${percent} %) are bad, more than MAX_REJECTED_SHARE ` +
          `allows (${maxRejectedShare}); first: ${this.#firstReasons.join(' ')}`,
      );
    }
    const warnings = [...(this.#checker?.layout.warnings ?? [])];
    if (rowsRead === 0) warnings.push('the file has no rows');
    if (this.#multiLine.length > 0) {
      // A stray quote must not swallow rows without a word (contract, ruling 32).
      const lines = firstFew(this.#multiLine, MAX_SHOWN);
      warnings.push(
        this.#multiLine.length === 1
          ? `a quoted field spans lines in the row at line ${lines}`
          : `quoted fields span lines in the rows at lines ${lines}`,
      );
    }
    return { rowsRead, rowsRejected, warnings };
  }

  #take(record: CsvRecord): void {
    if (this.#checker) {
      this.#takeRow(record, this.#checker);
      return;
    }
    const text = recordText(record);
    if (text.trim() === '') return;
    this.#checker = new RowChecker(this.#feed, layoutOf(this.#feed, text));
    if (!this.#feed.hasHeader) this.#takeRow(record, this.#checker);
  }

  #takeRow(record: CsvRecord, checker: RowChecker): void {
    this.#rowsRead += 1;
    const ordinal = this.#rowsRead;
    if (record.innerLines > 0) this.#multiLine.push(record.line);
    const content = contentWithoutId(record, checker.layout.newestByPosition);
    if (content && this.#window.repeats(content, ordinal)) return;
    const text = recordText(record);
    const checked = checker.check(text, record);
    if (!checked.ok) {
      const { rejected } = checked;
      this.#rowsRejected += 1;
      if (this.#firstReasons.length < MAX_SHOWN)
        this.#firstReasons.push(`line ${record.line}: ${rejected.reason}`);
      this.#output.reject(record.line, rejected, text);
    } else if (!content || !this.#window.add(content, ordinal, checked.row)) {
      this.#output.write(ordinal, this.#idOf(checked.newestBy), checked.row);
    }
  }

  /** Undefined for a feed that has no such column. */
  #idOf(id: string | null): string | null | undefined {
    return this.#feed.newestBy === undefined ? undefined : id;
  }

  async #drainWindow(): Promise<void> {
    let count = 0;
    for (const { id, ordinal, row } of this.#window.drain()) {
      this.#output.write(ordinal, this.#idOf(id === NO_ID ? null : String(id)), row);
      count += 1;
      if (count % ROWS_PER_FLUSH === 0) await this.#output.flush();
    }
  }
}

function recordText({ data, start, end }: CsvRecord): string {
  return data.toString('utf8', start, end);
}
