/**
 * Remembers rows that were seen, so that an exact repeat (equal in everything but its id) is dropped before it
 * is parsed, checked or sent to the database: 85 % of the lines of a real file.
 *
 * It may forget and it may refuse to remember: a repeat that gets by is written like any other row, with its own id and
 * position, and the database picks the winner among them all. So the result is exact whatever the window's size, which only
 * decides how much work is saved.
 *
 * All of it stands in one buffer; a map of strings took 100 MB more (docs/decisions/0001-csv-reading.md).
 */

/** About 150,000 rows of the real shape. Repeats lie a whole file apart: with half of it, a million rows took twice as long. */
const MAX_BYTES = 48 * 1024 * 1024;
/** Enough for a day of the real size. */
const FIRST_BYTES = 256 * 1024;
const UTF8_BYTES_PER_CHARACTER = 3;

/** A record without its id: the bytes `data[start..end)`. */
export interface Content {
  data: Buffer;
  start: number;
  end: number;
  /** -Infinity without one. */
  id: number;
}

/**
 * An entry: id (greatest seen with this content), ordinal (the record's number in the file, of the last repeat with
 * that id), length of the content, length of the row, content, row. With objects for the four numbers the heap was 25 MB
 * larger.
 */
const ID = 0;
const ORDINAL = 8;
const CONTENT_LENGTH = 16;
const ROW_LENGTH = 20;
const CONTENT = 24;

export class RepeatWindow {
  readonly #maxBytes: number;
  #entries: Buffer;
  #used = 0;
  /** Where entries start, by hash. Of two contents with one hash only the first is remembered: that is rare. */
  readonly #starts = new Map<number, number>();
  #isFull = false;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
    this.#entries = Buffer.allocUnsafeSlow(Math.min(maxBytes, FIRST_BYTES));
  }

  /** True when the content is known; its newest id and position are then noted. */
  repeats(content: Content, ordinal: number): boolean {
    const entry = this.#starts.get(hashOf(content));
    if (entry === undefined || !this.#hasContent(entry, content)) return false;
    if (content.id >= this.#entries.readDoubleLE(entry + ID)) {
      this.#entries.writeDoubleLE(content.id, entry + ID);
      this.#entries.writeDoubleLE(ordinal, entry + ORDINAL);
    }
    return true;
  }

  /** `row` is the rest of the row in COPY format, everything behind ordinal and id. False: it is not remembered. */
  add({ data, start, end, id }: Content, ordinal: number, row: string): boolean {
    const hash = hashOf({ data, start, end });
    if (this.#starts.has(hash)) return false;
    const entry = this.#used;
    const rowStart = entry + CONTENT + (end - start);
    if (!this.#hasRoom(rowStart + row.length * UTF8_BYTES_PER_CHARACTER)) {
      this.#isFull = true;
      return false;
    }
    this.#entries.writeDoubleLE(id, entry + ID);
    this.#entries.writeDoubleLE(ordinal, entry + ORDINAL);
    this.#entries.writeUInt32LE(end - start, entry + CONTENT_LENGTH);
    data.copy(this.#entries, entry + CONTENT, start, end);
    const rowLength = this.#entries.write(row, rowStart);
    this.#entries.writeUInt32LE(rowLength, entry + ROW_LENGTH);
    this.#starts.set(hash, entry);
    this.#used = rowStart + rowLength;
    return true;
  }

  /** A row was not remembered for want of room. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Hands out every row, in the order they came, and forgets it. `row` is only valid until the next one. */
  *drain(): Generator<{ id: number; ordinal: number; row: Buffer }> {
    for (let entry = 0; entry < this.#used;) {
      const id = this.#entries.readDoubleLE(entry + ID);
      const ordinal = this.#entries.readDoubleLE(entry + ORDINAL);
      const start = entry + CONTENT + this.#entries.readUInt32LE(entry + CONTENT_LENGTH);
      const end = start + this.#entries.readUInt32LE(entry + ROW_LENGTH);
      yield { id, ordinal, row: this.#entries.subarray(start, end) };
      entry = end;
    }
    this.#starts.clear();
    this.#used = 0;
    this.#isFull = false;
  }

  #hasRoom(bytes: number): boolean {
    if (bytes <= this.#entries.length) return true;
    if (bytes > this.#maxBytes) return false;
    // At once: pages that are not written take no memory, and every copy in between would.
    const larger = Buffer.allocUnsafeSlow(this.#maxBytes);
    this.#entries.copy(larger, 0, 0, this.#used);
    this.#entries = larger;
    return true;
  }

  #hasContent(entry: number, { data, start, end }: Content): boolean {
    const from = entry + CONTENT;
    const to = from + this.#entries.readUInt32LE(entry + CONTENT_LENGTH);
    return this.#entries.compare(data, start, end, from, to) === 0;
  }
}

/** 32 bits, four bytes at a time: byte by byte it took a quarter of a check. */
export function hashOf({ data, start, end }: Omit<Content, 'id'>): number {
  let hash = end - start;
  let index = start;
  for (; index + 4 <= end; index += 4) {
    const low = (data[index] ?? 0) | ((data[index + 1] ?? 0) << 8);
    const high = ((data[index + 2] ?? 0) << 16) | ((data[index + 3] ?? 0) << 24);
    hash = mixed(hash ^ low ^ high);
  }
  for (; index < end; index += 1) hash = mixed(hash ^ (data[index] ?? 0));
  return hash;
}

/** So that every bit counts for every later one: a product alone carries upwards only. */
function mixed(word: number): number {
  const product = Math.imul(word, 0x9e3779b1);
  return product ^ (product >>> 15);
}
