import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isErrno } from '../services/errors.ts';
import { type Answer, storageError } from './answer.ts';
import { contentOf } from './content.ts';
import type { DeliveredFile, Delivery, StreamedFile } from './delivery.ts';

const BUCKET = 'bucket';
const SIGNING_KEY = 'not a secret';
const API_HEADERS = ['x-api-key', 'x-nickname', 'x-cohort', 'x-project'];

/** One published file: where it stands in the bucket, and the date of the increment that it belongs to. */
export interface StoredFile {
  folder: string;
  file: string;
  date?: string | undefined;
}

interface StoredObject extends StoredFile {
  content: string | Buffer | StreamedFile;
}

/** Object storage that serves only what was published, and only by a signed URL. */
export class Storage {
  readonly #objects = new Map<string, StoredObject>();
  #url = '';

  /** Signed URLs start with this address, known once the server listens. */
  set url(url: string) {
    this.#url = url;
  }

  /** Makes files available under a folder and returns their `s3_path`. */
  publish(folder: string, files: Delivery['files'], date?: string): Record<string, string | null> {
    const urls: Record<string, string | null> = {};
    for (const [file, delivered] of Object.entries(files)) {
      if (delivered !== undefined) urls[file] = this.#publishOne({ folder, file, date }, delivered);
    }
    return urls;
  }

  #publishOne(stored: StoredFile, delivered: Exclude<DeliveredFile, undefined>): string | null {
    if (delivered === null) return null;
    if (typeof delivered === 'object' && 'url' in delivered) return delivered.url;
    const path = `/${BUCKET}/${encodeURIComponent(stored.folder)}/${encodeURIComponent(stored.file)}.csv`;
    this.#objects.set(path, { ...stored, content: delivered });
    return `${this.#url}${path}?X-Amz-Signature=${signature(path)}&X-Amz-Expires=3600`;
  }

  /** The published file that a request's path names, if any. */
  find(path: string): StoredFile | undefined {
    return this.#objects.get(path);
  }

  /** The refusal of a wrong request, or null for a right one. A fault never hides it. */
  async refuse(req: IncomingMessage, url: URL): Promise<Answer | null> {
    const leaked = API_HEADERS.filter((name) => req.headers[name] !== undefined);
    if (leaked.length > 0) {
      const message = `THE REPORT API'S HEADERS WERE SENT TO STORAGE: ${leaked.join(', ')}. Its URLs are plain GETs, and the key must never come here.`;
      return await storageError(400, 'ApiKeyLeaked', message);
    }
    if (req.method !== 'GET') return await storageError(405, 'MethodNotAllowed', 'Only GET is allowed.');
    if (url.searchParams.get('X-Amz-Signature') !== signature(url.pathname)) {
      return await storageError(403, 'SignatureDoesNotMatch', 'The signature is missing or does not match.');
    }
    return null;
  }

  async answer(path: string): Promise<Answer> {
    const object = this.#objects.get(path);
    try {
      if (object) {
        const body = await contentOf(object.content);
        return { status: 200, headers: { 'Content-Type': 'text/csv' }, body };
      }
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
    return await storageError(404, 'NoSuchKey', 'The file does not exist (any more).');
  }
}

function signature(path: string): string {
  return createHmac('sha256', SIGNING_KEY).update(path).digest('hex');
}
