import type { FileHandle } from 'node:fs/promises';
import { openNameless } from './atomic-file.ts';

/** What a small file makes stays in memory. */
const MEMORY_BYTES = 1024 * 1024;
const READ_BYTES = 256 * 1024;
const UTF8_BYTES_PER_CHARACTER = 3;

/**
 * Bytes that are written, then read, then gone: in memory up to a mebibyte, beyond that in a file without a name. Call
 * `flush` now and then, so that memory stays small, and write nothing until it is done.
 */
export class Spool {
  readonly #directory: string;
  #file: FileHandle | undefined;
  /** Kept from flush to flush: new buffers were garbage faster than it was collected. */
  #pending = Buffer.alloc(0);
  #pendingBytes = 0;
  #isEmpty = true;

  /** @param directory where its file is made if it needs one */
  constructor(directory: string) {
    this.#directory = directory;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  write(data: string | Buffer): void {
    this.#isEmpty = false;
    if (typeof data === 'string') {
      this.#makeRoom(data.length * UTF8_BYTES_PER_CHARACTER);
      this.#pendingBytes += this.#pending.write(data, this.#pendingBytes);
    } else {
      this.#makeRoom(data.length);
      this.#pendingBytes += data.copy(this.#pending, this.#pendingBytes);
    }
  }

  /** Writes out what is buffered once it is worth a system call. */
  async flush(): Promise<void> {
    if (this.#pendingBytes < MEMORY_BYTES) return;
    this.#file ??= await openNameless(this.#directory);
    await this.#file.writeFile(this.#pending.subarray(0, this.#pendingBytes));
    this.#pendingBytes = 0;
  }

  async *read(): AsyncGenerator<Buffer> {
    for (let position = 0; this.#file;) {
      // A new one each time, since the driver keeps it until it is sent.
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
      const { bytesRead } = await this.#file.read(buffer, 0, READ_BYTES, position);
      if (bytesRead === 0) break;
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
    if (this.#pendingBytes > 0) yield this.#pending.subarray(0, this.#pendingBytes);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#pendingBytes + bytes;
    if (this.#pending.length >= needed) return;
    const larger = Buffer.allocUnsafeSlow(2 * needed);
    this.#pending.copy(larger, 0, 0, this.#pendingBytes);
    this.#pending = larger;
  }
}
