import { Spool } from '../../runtime/spool.ts';
import { copyLine } from './copy-text.ts';
import type { RejectedRow } from './row-checker.ts';

/** Good and bad rows of a file, each kind in COPY format, with the delivery number in front. */
export class CheckedRows {
  readonly good: Spool;
  readonly bad: Spool;
  readonly #number: string;

  /** @param directory for what does not fit into memory */
  constructor(directory: string, deliveryNumber: number) {
    this.good = new Spool(directory);
    this.bad = new Spool(directory);
    this.#number = String(deliveryNumber);
  }

  /** `row` is everything behind ordinal and id; `id` is undefined for a feed that has none. */
  write(ordinal: number, id: string | null | undefined, row: string | Buffer): void {
    this.good.write(`${this.#number}\t${ordinal}\t${id === undefined ? '' : `${id ?? '\\N'}\t`}`);
    this.good.write(row);
    this.good.write('\n');
  }

  reject(line: number, { column, rule, reason }: RejectedRow, raw: string): void {
    // PostgreSQL cannot hold a NUL byte; the symbol for it keeps the row readable.
    this.bad.write(
      copyLine([this.#number, String(line), column, rule, reason, raw.replaceAll('\0', '\u2400')]),
    );
  }

  /** To be called now and then, with nothing written until it is done. */
  async flush(): Promise<void> {
    await this.good.flush();
    await this.bad.flush();
  }

  async close(): Promise<void> {
    await this.good.close();
    await this.bad.close();
  }
}
