import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { failure } from '../domain/failures.ts';
import { READ } from './file-flags.ts';

const CHUNK_BYTES = 256 * 1024;

export interface VerifiedFile {
  path: string;
  sha256: string;
  /** For messages. */
  description: string;
}

interface ReadOptions {
  chunkBytes?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Reads a file in chunks. Throws `LandedFileGone` behind the last one when the file is no longer what it was. */
export async function* verifiedChunks(
  { path, sha256, description }: VerifiedFile,
  { chunkBytes = CHUNK_BYTES, signal }: ReadOptions = {},
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const file = await open(path, READ);
  try {
    for (;;) {
      signal?.throwIfAborted();
      // A new one each time, since the driver keeps it until it is sent; using one again saves no memory that was measured.
      const buffer = Buffer.allocUnsafeSlow(chunkBytes);
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, null);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      yield chunk;
    }
  } finally {
    await file.close();
  }
  if (hash.digest('hex') !== sha256) {
    throw failure('LandedFileGone', `${description} has changed on disk.`);
  }
}

/** Reads a file to its end; throws as `verifiedChunks` does. */
export async function verify(file: VerifiedFile, signal?: AbortSignal): Promise<void> {
  const chunks = verifiedChunks(file, { signal });
  while (!(await chunks.next()).done);
}
