import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

/** For the worker's user only, whatever its umask (contract, ruling 36). */
const FILE_MODE = 0o600;

/**
 * A file that appears whole or not at all: written under a temporary name in the same directory, synced, then renamed;
 * for its user only, unless a mode is given.
 */
export class AtomicFile {
  readonly #path: string;
  readonly #temporaryPath: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  bytes = 0;

  private constructor(target: string, temporaryPath: string, handle: FileHandle) {
    this.#path = target;
    this.#temporaryPath = temporaryPath;
    this.#handle = handle;
  }

  /** In a directory that is there. */
  static async create(target: string, mode = FILE_MODE): Promise<AtomicFile> {
    const temporaryPath = temporaryPathOf(target);
    return new AtomicFile(target, temporaryPath, await open(temporaryPath, 'wx', mode));
  }

  /** A whole file at once. */
  static async put(target: string, data: Buffer, mode = FILE_MODE): Promise<void> {
    const file = await AtomicFile.create(target, mode);
    try {
      await file.write(data);
      await file.commit();
    } finally {
      await file.discard();
    }
  }

  async write(data: Buffer): Promise<void> {
    await this.#handle.writeFile(data);
    this.#hash.update(data);
    this.bytes += data.length;
  }

  /** Makes the file durable, gives it its name, and returns its SHA-256. */
  async commit(): Promise<string> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#temporaryPath, this.#path);
    return this.#hash.digest('hex');
  }

  /** Removes what was written unless it was committed; safe to call always. */
  async discard(): Promise<void> {
    await this.#handle.close().finally(() => rm(this.#temporaryPath, { force: true }));
  }
}

/** A file that is open for reading and writing and has no name: nothing of it outlives the process. */
export async function openNameless(directory: string): Promise<FileHandle> {
  const temporaryPath = temporaryPathOf(path.join(directory, 'spool'));
  const handle = await open(temporaryPath, 'wx+', FILE_MODE);
  await rm(temporaryPath);
  return handle;
}

function temporaryPathOf(target: string): string {
  return path.join(path.dirname(target), `.${path.basename(target)}.${randomUUID()}.tmp`);
}
