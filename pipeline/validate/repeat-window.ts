import { randomInt } from 'node:crypto';

/**
 * Remembers rows that were seen, so that an exact repeat (equal in everything but its id) is dropped before it
 * is parsed, checked or sent to the database: 85 % of the lines of a real file.
 *
 * Memory is bounded: when the window is full its rows are written out and it starts anew. A repeat that comes
 * later is written again, with its own id and position, and the database picks the winner among them all; so
 * the result is exact whatever the window's size, which only decides how much work is saved.
 *
 * A hash table of bytes, off the heap: a map of strings took twice the memory, and a string for every line read.
 */

/** About 150,000 rows of the real shape. Repeats lie a whole file apart: with half of it, a million rows took twice as long. */
const MAX_BYTES = 48 * 1024 * 1024;
/** What an entry costs beside its bytes: its numbers, and its slots in a table that is at most half full. */
const ENTRY_BYTES = 40;
const PAGE_BYTES = 1024 * 1024;
const UTF8_BYTES_PER_CHARACTER = 3;
const FIRST_CAPACITY = 1024;
const FREE = -1;

/** Bytes `data[start..end)`. */
interface Bytes {
  data: Buffer;
  start: number;
  end: number;
}

export class RepeatWindow {
  readonly #maxBytes: number;
  /** So that nobody can write a file whose rows all have one hash. */
  readonly #seed = randomInt(2 ** 31);
  #bytes = 0;
  #pages: Buffer[] = [];
  #page = FREE;
  #pageUsed = 0;
  #count = 0;
  /** Entry per slot; a power of two of slots. */
  #slots = new Int32Array(2 * FIRST_CAPACITY).fill(FREE);
  #entries = new Entries(FIRST_CAPACITY);

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** True when the content is known; its newest id and position are then noted. */
  repeats(content: Bytes, id: number, ordinal: number): boolean {
    const entry = this.#slots[this.#slotOf(content, this.#hash(content))] ?? FREE;
    if (entry === FREE) return false;
    if (id >= (this.#entries.id[entry] ?? 0)) {
      this.#entries.id[entry] = id;
      this.#entries.ordinal[entry] = ordinal;
    }
    return true;
  }

  /** `row` is the rest of the row in COPY format, everything behind ordinal and id. The content is not known yet. */
  add(content: Bytes, id: number, ordinal: number, row: string): void {
    const length = content.end - content.start;
    const page = this.#pageWithRoom(length + row.length * UTF8_BYTES_PER_CHARACTER);
    const start = this.#pageUsed;
    content.data.copy(page, start, content.start, content.end);
    const rowLength = page.write(row, start + length);
    this.#pageUsed += length + rowLength;
    if (this.#count === this.#entries.capacity) this.#grow();
    const hash = this.#hash(content);
    this.#slots[this.#slotOf(content, hash)] = this.#count;
    this.#entries.set(this.#count, { hash, page: this.#page, start, length, rowLength, id, ordinal });
    this.#count += 1;
    this.#bytes += length + rowLength + ENTRY_BYTES;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes;
  }

  /** Hands out every row, in the order they came, and forgets it. `row` is only valid until the next one. */
  *drain(): Generator<{ id: number; ordinal: number; row: Buffer }> {
    for (let entry = 0; entry < this.#count; entry += 1) {
      const { page, start, length, rowLength, id, ordinal } = this.#entries.get(entry);
      const from = start + length;
      yield { id, ordinal, row: (this.#pages[page] as Buffer).subarray(from, from + rowLength) };
    }
    this.#slots.fill(FREE);
    // Those of an extraordinary size are not kept for the next ones.
    this.#pages = this.#pages.filter(({ length }) => length === PAGE_BYTES);
    this.#page = FREE;
    this.#count = 0;
    this.#bytes = 0;
  }

  #pageWithRoom(room: number): Buffer {
    const current = this.#pages[this.#page];
    if (current && current.length - this.#pageUsed >= room) return current;
    this.#page += 1;
    this.#pageUsed = 0;
    let page = this.#pages[this.#page];
    if (!page || page.length < room) {
      page = Buffer.allocUnsafeSlow(Math.max(room, PAGE_BYTES));
      this.#pages.splice(this.#page, 0, page);
    }
    return page;
  }

  /** The slot of the content, or the free one where it belongs. */
  #slotOf({ data, start, end }: Bytes, hash: number): number {
    const { hash: hashes, length: lengths, page: pages, start: starts } = this.#entries;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] ?? FREE;
      if (entry === FREE) return slot;
      if (hashes[entry] !== hash || lengths[entry] !== end - start) continue;
      const from = starts[entry] ?? 0;
      const page = this.#pages[pages[entry] ?? 0];
      if (page?.compare(data, start, end, from, from + (end - start)) === 0) return slot;
    }
  }

  #grow(): void {
    this.#entries = this.#entries.grown();
    this.#slots = new Int32Array(2 * this.#entries.capacity).fill(FREE);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.#count; entry += 1) {
      let slot = (this.#entries.hash[entry] ?? 0) & mask;
      while (this.#slots[slot] !== FREE) slot = (slot + 1) & mask;
      this.#slots[slot] = entry;
    }
  }

  /** FNV-1a, 32 bits. */
  #hash({ data, start, end }: Bytes): number {
    let hash = this.#seed;
    for (let index = start; index < end; index += 1) {
      hash = Math.imul(hash ^ (data[index] ?? 0), 0x01000193);
    }
    // The low bits choose the slot; FNV mixes the high ones better.
    return hash ^ (hash >>> 15);
  }
}

interface Entry {
  hash: number;
  /** Where content and row stand, one behind the other. */
  page: number;
  start: number;
  length: number;
  rowLength: number;
  /** Greatest id seen with this content, -Infinity without one. */
  id: number;
  /** The record's number in the file, of the last repeat with that id. */
  ordinal: number;
}

/** Columns of numbers: an object for each entry would cost several times more. */
class Entries {
  readonly capacity: number;
  readonly hash: Int32Array;
  readonly page: Int32Array;
  readonly start: Int32Array;
  readonly length: Int32Array;
  readonly rowLength: Int32Array;
  readonly id: Float64Array;
  readonly ordinal: Float64Array;

  constructor(capacity: number, former?: Entries) {
    this.capacity = capacity;
    const integers = (from?: Int32Array) => {
      const numbers = new Int32Array(capacity);
      if (from) numbers.set(from);
      return numbers;
    };
    const floats = (from?: Float64Array) => {
      const numbers = new Float64Array(capacity);
      if (from) numbers.set(from);
      return numbers;
    };
    this.hash = integers(former?.hash);
    this.page = integers(former?.page);
    this.start = integers(former?.start);
    this.length = integers(former?.length);
    this.rowLength = integers(former?.rowLength);
    this.id = floats(former?.id);
    this.ordinal = floats(former?.ordinal);
  }

  grown(): Entries {
    return new Entries(2 * this.capacity, this);
  }

  set(entry: number, { hash, page, start, length, rowLength, id, ordinal }: Entry): void {
    this.hash[entry] = hash;
    this.page[entry] = page;
    this.start[entry] = start;
    this.length[entry] = length;
    this.rowLength[entry] = rowLength;
    this.id[entry] = id;
    this.ordinal[entry] = ordinal;
  }

  get(entry: number): Omit<Entry, 'hash'> {
    return {
      page: this.page[entry] ?? 0,
      start: this.start[entry] ?? 0,
      length: this.length[entry] ?? 0,
      rowLength: this.rowLength[entry] ?? 0,
      id: this.id[entry] ?? 0,
      ordinal: this.ordinal[entry] ?? 0,
    };
  }
}
