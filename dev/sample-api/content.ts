import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { StreamedFile } from './delivery.ts';

/** A body; without a size it is sent without a Content-Length. */
export interface Content {
  size?: number;
  open(): Readable;
}

export async function contentOf(file: string | Buffer | StreamedFile): Promise<Content> {
  if (typeof file === 'string' || Buffer.isBuffer(file)) {
    const bytes = Buffer.from(file);
    return { size: bytes.length, open: () => Readable.from([bytes], { objectMode: false }) };
  }
  if ('chunks' in file)
    return { open: () => Readable.from(file.chunks(), { objectMode: true, highWaterMark: 2 }) };
  const { size } = await stat(file.path);
  const open = () => (size === 0 ? Readable.from([]) : createReadStream(file.path, { end: size - 1 }));
  return { size, open };
}
