import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

const FLUSH_BYTES = 1024 * 1024;
const UTF8_BYTES_PER_CHARACTER = 3;

/**
 * A file that appears whole or not at all: written under a temporary name in the same directory, synced,
 * then renamed; for its user only. Writes are buffered; call `flush` now and then, so that the buffer stays small, and write nothing
 * until it is done.
 */
export class AtomicFile {
  readonly #path: string;
  readonly #temporaryPath: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  /** Kept from flush to flush: new buffers were garbage faster than it was collected. */
  #pending = Buffer.alloc(0);
  #pendingBytes = 0;
  #open = true;
  #committed = false;

  private constructor(target: string, temporaryPath: string, handle: FileHandle) {
    this.#path = target;
    this.#temporaryPath = temporaryPath;
    this.#handle = handle;
  }

  static async create(target: string): Promise<AtomicFile> {
    const directory = path.dirname(target);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const temporaryPath = path.join(directory, `.${path.basename(target)}.${randomUUID()}.tmp`);
    return new AtomicFile(target, temporaryPath, await open(temporaryPath, 'wx', 0o600));
  }

  /** Runs `fill` with a new file; what it has not committed is removed, whatever happens. */
  static async using<T>(target: string, fill: (file: AtomicFile) => Promise<T>): Promise<T> {
    const file = await AtomicFile.create(target);
    try {
      return await fill(file);
    } finally {
      await file.discard();
    }
  }

  write(data: string | Buffer): void {
    if (typeof data === 'string') {
      this.#makeRoom(data.length * UTF8_BYTES_PER_CHARACTER);
      this.#pendingBytes += this.#pending.write(data, this.#pendingBytes);
    } else {
      this.#makeRoom(data.length);
      this.#pendingBytes += data.copy(this.#pending, this.#pendingBytes);
    }
  }

  /** Writes out what is buffered once it is worth a system call. */
  async flush(atLeastBytes = FLUSH_BYTES): Promise<void> {
    if (this.#pendingBytes < atLeastBytes) return;
    for (let offset = 0; offset < this.#pendingBytes;) {
      offset += (await this.#handle.write(this.#pending, offset, this.#pendingBytes - offset)).bytesWritten;
    }
    this.#hash.update(this.#pending.subarray(0, this.#pendingBytes));
    this.#pendingBytes = 0;
  }

  /** Makes the file durable, gives it its name, and returns its SHA-256. */
  async commit(): Promise<string> {
    await this.flush(0);
    await this.#handle.sync();
    await this.#close();
    await rename(this.#temporaryPath, this.#path);
    this.#committed = true;
    return this.#hash.digest('hex');
  }

  /** Removes what was written unless it was committed; safe to call always. */
  async discard(): Promise<void> {
    if (this.#committed) return;
    try {
      await this.#close();
    } finally {
      await rm(this.#temporaryPath, { force: true });
    }
  }

  async #close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#handle.close();
  }

  #makeRoom(bytes: number): void {
    const needed = this.#pendingBytes + bytes;
    if (this.#pending.length >= needed) return;
    const larger = Buffer.allocUnsafeSlow(2 * needed);
    this.#pending.copy(larger, 0, 0, this.#pendingBytes);
    this.#pending = larger;
  }
}
