/**
 * Remembers rows that were seen, so that an exact repeat (equal in everything but its id) is dropped before it
 * is parsed, checked or sent to the database: 85 % of the lines of a real file.
 *
 * Memory is bounded: when the window is full its rows are written out and it starts anew. A repeat that comes
 * later is written again, with its own id and position, and the database picks the winner among them all; so
 * the result is exact whatever the window's size, which only decides how much work is saved.
 */

/** About 150,000 rows of the real shape. Repeats lie a whole file apart: with 24 MiB, a million rows took twice as long. */
const MAX_BYTES = 64 * 1024 * 1024;
/** What an entry costs beside its texts: the map's slot and the objects' headers, measured on V8 11.3. */
const ENTRY_OVERHEAD_BYTES = 150;
const PAGE_BYTES = 1024 * 1024;
const UTF8_BYTES_PER_CHARACTER = 3;

interface Entry {
  /** Greatest id seen with this content, -Infinity without one. */
  id: number;
  /** The record's number in the file, of the last repeat with that id. */
  ordinal: number;
  /** Where the row stands: off the heap, since strings took 150 MB more for a million rows without a repeat. */
  page: Buffer;
  start: number;
  end: number;
}

export class RepeatWindow {
  readonly #entries = new Map<string, Entry>();
  readonly #maxBytes: number;
  #bytes = 0;
  #page = Buffer.alloc(0);
  #pageUsed = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** True when the content is known; its newest id and position are then noted. */
  repeats(content: string, id: number, ordinal: number): boolean {
    const entry = this.#entries.get(content);
    if (!entry) return false;
    if (id >= entry.id) {
      entry.id = id;
      entry.ordinal = ordinal;
    }
    return true;
  }

  /** `row` is the rest of the row in COPY format, everything behind ordinal and id. */
  add(content: string, id: number, ordinal: number, row: string): void {
    const room = row.length * UTF8_BYTES_PER_CHARACTER;
    if (this.#page.length - this.#pageUsed < room) {
      this.#page = Buffer.allocUnsafeSlow(Math.max(room, PAGE_BYTES));
      this.#pageUsed = 0;
    }
    const start = this.#pageUsed;
    this.#pageUsed += this.#page.write(row, start);
    this.#entries.set(content, { id, ordinal, page: this.#page, start, end: this.#pageUsed });
    this.#bytes += content.length + (this.#pageUsed - start) + ENTRY_OVERHEAD_BYTES;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes;
  }

  /** Hands out every row and forgets it. */
  *drain(): Generator<{ id: number; ordinal: number; row: string }> {
    for (const { id, ordinal, page, start, end } of this.#entries.values()) {
      yield { id, ordinal, row: page.toString('utf8', start, end) };
    }
    this.#entries.clear();
    this.#bytes = 0;
    this.#pageUsed = 0;
  }
}
