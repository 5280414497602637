import type { AtomicFile } from '../../runtime/atomic-file.ts';
import { copyLine } from './copy-text.ts';
import type { RejectedRow } from './row-checker.ts';

/** Writes good and bad rows in COPY format, each kind into a file of its own. */
export class CheckedRows {
  readonly #good: AtomicFile;
  readonly #bad: AtomicFile;
  readonly #hasId: boolean;

  constructor(good: AtomicFile, bad: AtomicFile, hasId: boolean) {
    this.#good = good;
    this.#bad = bad;
    this.#hasId = hasId;
  }

  /** `row` is everything behind ordinal and id. */
  write(ordinal: number, id: string | null, row: string | Buffer): void {
    this.#good.write(this.#hasId ? `${ordinal}\t${id ?? '\\N'}\t` : `${ordinal}\t`);
    this.#good.write(row);
    this.#good.write('\n');
  }

  reject(line: number, { column, rule, reason }: RejectedRow, raw: string): void {
    // PostgreSQL cannot hold a NUL byte; the symbol for it keeps the row readable.
    this.#bad.write(copyLine([String(line), column, rule, reason, raw.replaceAll('\0', '\u2400')]));
  }

  /** To be called now and then, with nothing written until it is done. */
  async flush(): Promise<void> {
    await this.#good.flush();
    await this.#bad.flush();
  }
}
