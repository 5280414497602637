import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { chunks, type GenerateOptions, incrementLines } from './generate-increment.ts';

/**
 * Writes the CSV files of an increment into `dir`, never holding more than
 * a chunk: ten million rows take no more memory than a thousand. Returns their paths by key.
 */
export async function writeIncrement(
  dir: string,
  date: string,
  options: GenerateOptions = {},
): Promise<Record<string, string>> {
  await mkdir(dir, { recursive: true });
  const paths: Record<string, string> = {};
  for (const [key, lines] of Object.entries(incrementLines(date, options))) {
    const path = join(dir, `${key}.csv`);
    await pipeline(
      Readable.from(chunks(lines()), { objectMode: true, highWaterMark: 2 }),
      createWriteStream(path),
    );
    paths[key] = path;
  }
  return paths;
}
