import { describeFile, type CheckedFile, type LandedFile } from '../../domain/day.ts';
import { feedNamed, type Feed } from '../../domain/feeds.ts';
import { firstFew } from '../../domain/text.ts';
import { AtomicFile } from '../../runtime/atomic-file.ts';
import { verifiedChunks, verify } from '../../runtime/verified-file.ts';
import { CheckedRows } from './checked-rows.ts';
import { FileRefused } from './file-refused.ts';
import { checkSignature } from './file-signature.ts';
import { layoutByHeader, layoutByPosition } from './header.ts';
import { contentWithoutId, NO_ID } from './record-content.ts';
import { RecordSplitter, type CsvRecord } from './record-splitter.ts';
import { RepeatWindow } from './repeat-window.ts';
import { RowChecker, type RejectedRow } from './row-checker.ts';

/** Lines and reasons in a message. */
const MAX_SHOWN = 3;
const ROWS_PER_FLUSH = 1_000;

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
  const { maxRejectedShare, signal, chunkBytes, windowBytes } = options;
  const landed = { path: paths.csv, sha256: file.sha256, description: describeFile(file) };
  try {
    return await AtomicFile.using(paths.rows, (good) =>
      AtomicFile.using(paths.rejected, async (bad) => {
        const feed = feedNamed(file.feed);
        const window = new RepeatWindow(file.bytes, windowBytes);
        const check = new FileCheck(feed, window, new CheckedRows(good, bad, feed.newestBy !== undefined));
        await check.run(verifiedChunks(landed, { chunkBytes, signal }));
        const result = check.result(maxRejectedShare);
        const warnings = [...file.warnings, ...result.warnings];
        return { ...file, ...result, warnings, rowsSha256: await good.commit(), rejectedSha256: await bad.commit() };
      }),
    );
  } catch (error) {
    // A file that has changed is downloaded again, not refused.
    if (error instanceof FileRefused) await verify(landed, signal);
    throw error;
  }
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

  result(maxRejectedShare: number): Pick<CheckedFile, 'rowsRead' | 'rowsRejected' | 'warnings'> {
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
    if (this.#multiLine.length > 0) warnings.push(multiLineWarning(this.#multiLine));
    return { rowsRead, rowsRejected, warnings };
  }

  #take(record: CsvRecord): void {
    if (this.#checker) {
      this.#takeRow(record, this.#checker);
      return;
    }
    const text = textOf(record);
    if (text.trim() === '') return;
    const layout = this.#feed.hasHeader
      ? layoutByHeader(this.#feed, text)
      : layoutByPosition(this.#feed, text);
    this.#checker = new RowChecker(this.#feed, layout);
    if (!this.#feed.hasHeader) this.#takeRow(record, this.#checker);
  }

  #takeRow(record: CsvRecord, checker: RowChecker): void {
    this.#rowsRead += 1;
    const ordinal = this.#rowsRead;
    if (record.innerLines > 0) this.#multiLine.push(record.line);
    const content = contentWithoutId(record, checker.layout.newestByPosition);
    if (content && this.#window.repeats(content, ordinal)) return;
    const text = textOf(record);
    const checked = checker.check(text, record);
    if (!checked.ok) {
      this.#reject(record.line, checked.rejected, text);
    } else if (!content || !this.#window.add(content, ordinal, checked.row)) {
      this.#output.write(ordinal, checked.newestBy, checked.row);
    }
  }

  #reject(line: number, rejected: RejectedRow, text: string): void {
    this.#rowsRejected += 1;
    if (this.#firstReasons.length < MAX_SHOWN) this.#firstReasons.push(`line ${line}: ${rejected.reason}`);
    this.#output.reject(line, rejected, text);
  }

  async #drainWindow(): Promise<void> {
    let count = 0;
    for (const { id, ordinal, row } of this.#window.drain()) {
      this.#output.write(ordinal, id === NO_ID ? null : String(id), row);
      count += 1;
      if (count % ROWS_PER_FLUSH === 0) await this.#output.flush();
    }
  }
}

/** A stray quote must not swallow rows without a word (contract, ruling 32). */
function multiLineWarning(lines: readonly number[]): string {
  return lines.length === 1
    ? `a quoted field spans lines in the row at line ${firstFew(lines, MAX_SHOWN)}`
    : `quoted fields span lines in the rows at lines ${firstFew(lines, MAX_SHOWN)}`;
}

function textOf({ data, start, end }: CsvRecord): string {
  return data.toString('utf8', start, end);
}
