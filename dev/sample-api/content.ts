import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StreamedFile } from './delivery.ts';

/** A body whose length and digest are known before its first byte is sent. */
export interface Content {
  size: number;
  /** MD5, as object storage puts it into its ETag. */
  md5: string;
  open(): Readable;
}

interface Measure {
  size: number;
  md5: string;
}

/** Generated chunks never change, and measuring means making them all once: a million rows take a second or two. */
const measured = new WeakMap<object, Measure>();

export async function contentOf(file: string | Buffer | StreamedFile): Promise<Content> {
  if (typeof file === 'string' || Buffer.isBuffer(file)) {
    const bytes = Buffer.from(file);
    const md5 = createHash('md5').update(bytes).digest('hex');
    return { size: bytes.length, md5, open: () => Readable.from([bytes], { objectMode: false }) };
  }
  if ('path' in file) {
    const { size, md5 } = await measure(createReadStream(file.path));
    const open = (): Readable =>
      size === 0 ? Readable.from([]) : createReadStream(file.path, { start: 0, end: size - 1 });
    return { size, md5, open };
  }
  const known = measured.get(file) ?? (await measure(file.chunks()));
  measured.set(file, known);
  return { ...known, open: () => Readable.from(file.chunks(), { objectMode: true, highWaterMark: 2 }) };
}

async function measure(chunks: AsyncIterable<Buffer> | Iterable<string>): Promise<Measure> {
  const hash = createHash('md5');
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += Buffer.byteLength(chunk);
    await nextTurn(); // a large file must not keep the server from answering others
  }
  return { size, md5: hash.digest('hex') };
}
