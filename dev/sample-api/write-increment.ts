import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { chunks, type GenerateOptions, incrementLines } from './generate-increment.ts';

export interface WrittenFile {
  path: string;
  bytes: number;
  /** Lines in the file, its header included. */
  lines: number;
}

/**
 * Writes the CSV files of an increment into `dir`, byte for byte what `generateIncrement` gives, but never
 * holding more than a chunk: ten million rows take no more memory than a thousand.
 */
export async function writeIncrement(
  dir: string,
  date: string,
  options: GenerateOptions = {},
): Promise<Record<string, WrittenFile>> {
  await mkdir(dir, { recursive: true });
  const written: Record<string, WrittenFile> = {};
  for (const [key, make] of Object.entries(incrementLines(date, options))) {
    const path = join(dir, `${key}.csv`);
    let lines = 0;
    const counted = function* (): Generator<string> {
      for (const line of make()) {
        lines += 1;
        yield line;
      }
    };
    const file = createWriteStream(path);
    await pipeline(Readable.from(chunks(counted()), { objectMode: true, highWaterMark: 2 }), file);
    written[key] = { path, bytes: file.bytesWritten, lines };
  }
  return written;
}
