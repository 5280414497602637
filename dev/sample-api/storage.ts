import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Delivery, StreamedFile } from './delivery.ts';
import { API_HEADERS, type Call } from './report-api.ts';
import { type Answer, json } from './send.ts';

interface StoredFile {
  file: string;
  /** Of the increment that it belongs to. */
  date: string | undefined;
  content: string | Buffer | StreamedFile;
}

export const BUCKET = '/bucket/';

/** Object storage that serves only what was published, and only by a signed URL. */
export class Storage {
  /** By path with signature. */
  readonly #files = new Map<string, StoredFile>();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Makes files available under a folder and returns their `s3_path`. */
  publish(folder: string, files: Delivery['files'], date?: string): Record<string, string | null> {
    const urls: Record<string, string | null> = {};
    for (const [file, content] of Object.entries(files)) {
      if (content === null) urls[file] = null;
      else if (typeof content === 'object' && 'url' in content) urls[file] = content.url;
      else if (content !== undefined) urls[file] = this.#url + this.#put(folder, { file, date, content });
    }
    return urls;
  }

  #put(folder: string, stored: StoredFile): string {
    const path = `${BUCKET}${encodeURIComponent(folder)}/${encodeURIComponent(stored.file)}.csv`;
    const signed = `${path}?X-Amz-Signature=${createHash('sha256').update(path).digest('hex')}&X-Amz-Expires=3600`;
    this.#files.set(signed, stored);
    return signed;
  }

  call({ method, url = '', headers }: IncomingMessage): Call {
    const endpoint = 'storage';
    const leaked = API_HEADERS.filter((name) => headers[name] !== undefined);
    if (leaked.length > 0) {
      const error = `THE REPORT API'S HEADERS WERE SENT TO STORAGE: ${leaked.join(', ')}. Its URLs are plain GETs, and the key must never come here.`;
      return { endpoint, refusal: json(400, { error }) };
    }
    const stored = this.#files.get(url);
    if (!stored || method !== 'GET')
      return { endpoint, refusal: json(403, { error: 'only GET, of a signed address that was given' }) };
    return { endpoint, file: stored.file, date: stored.date, answer: () => answerOf(stored) };
  }
}

async function answerOf({ content }: StoredFile): Promise<Answer> {
  const headers = { 'Content-Type': 'text/csv' };
  if (typeof content === 'string' || Buffer.isBuffer(content)) return { status: 200, headers, body: content };
  if (typeof content === 'function') return { status: 200, headers, body: content() };
  return { status: 200, headers, body: (await open(content.path)).createReadStream() };
}
