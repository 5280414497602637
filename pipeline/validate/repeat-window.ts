/**
 * Remembers rows that were seen, so that an exact repeat (equal in everything but its id) is dropped before it
 * is parsed, checked or sent to the database: 85 % of the lines of a real file.
 *
 * It may forget and it may refuse to remember: a repeat that gets by is written like any other row, with its own id and
 * position, and the database picks the winner among them all. So the result is exact whatever the window's size, which only
 * decides how much work is saved.
 */

/** About 150,000 rows of the real shape. Repeats lie a whole file apart: with half of it, a million rows took twice as long. */
const MAX_BYTES = 48 * 1024 * 1024;
/** Enough for a day of the real size. */
const FIRST_BYTES = 256 * 1024;
const UTF8_BYTES_PER_CHARACTER = 3;

/** A record without its id. */
export interface Content {
  /** Its bytes, a character each. */
  text: string;
  /** -Infinity without one. */
  id: number;
}

interface Entry {
  /** The greatest seen with this content. */
  id: number;
  /** The record's number in the file, of the last repeat with that id. */
  ordinal: number;
  /** Where its row is in the buffer. */
  start: number;
  end: number;
}

export class RepeatWindow {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  /** All rows in one buffer: as strings they took 100 MB more. */
  #rows = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #rowBytes = 0;
  #contentBytes = 0;
  /** A row was not remembered for want of room. */
  isFull = false;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** True when the content is known; its newest id and position are then noted. */
  repeats({ text, id }: Content, ordinal: number): boolean {
    const entry = this.#entries.get(text);
    if (!entry) return false;
    if (id >= entry.id) {
      entry.id = id;
      entry.ordinal = ordinal;
    }
    return true;
  }

  /** `row` is the rest of the row in COPY format, everything behind ordinal and id. False: it is not remembered. */
  add({ text, id }: Content, ordinal: number, row: string): boolean {
    const most = text.length + row.length * UTF8_BYTES_PER_CHARACTER;
    this.isFull ||= this.#rowBytes + this.#contentBytes + most > this.#maxBytes;
    if (this.isFull) return false;
    const start = this.#rowBytes;
    if (start + most > this.#rows.length) {
      // At once: pages that are not written take no memory, and every copy in between would.
      const larger = Buffer.allocUnsafeSlow(this.#maxBytes);
      this.#rows.copy(larger, 0, 0, start);
      this.#rows = larger;
    }
    this.#rowBytes += this.#rows.write(row, start);
    this.#contentBytes += text.length;
    this.#entries.set(text, { id, ordinal, start, end: this.#rowBytes });
    return true;
  }

  /** Hands out every row, in the order they came, and forgets it. `row` is only valid until the next one. */
  *drain(): Generator<{ id: number; ordinal: number; row: Buffer }> {
    for (const { id, ordinal, start, end } of this.#entries.values())
      yield { id, ordinal, row: this.#rows.subarray(start, end) };
    this.#entries.clear();
    this.#rowBytes = 0;
    this.#contentBytes = 0;
    this.isFull = false;
  }
}
