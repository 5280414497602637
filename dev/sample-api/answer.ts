import { Readable } from 'node:stream';
import { type Content, contentOf } from './content.ts';
import type { Fault } from './faults.ts';

/** What is to be sent; a body without a `size` is sent without a Content-Length. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Pick<Content, 'open'> & { size?: number };
}

const JSON_TYPE = 'application/json; charset=utf-8';

export async function json(status: number, body: unknown): Promise<Answer> {
  return await text(status, JSON_TYPE, JSON.stringify(body));
}

/** An error of object storage, in its own XML. */
export async function storageError(status: number, code: string, message: string): Promise<Answer> {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return await text(status, 'application/xml', body);
}

/** The answer that a fault puts in place of the real one, or null when the real one is sent (perhaps damaged). */
export async function answerOf(fault: Fault | null): Promise<Answer | null> {
  switch (fault?.do) {
    case 'status': {
      const { status, body, retryAfter } = fault;
      const answer = await (body === undefined
        ? json(status, { error: `a fault of the sample API: ${status}` })
        : text(status, 'text/plain; charset=utf-8', body));
      if (retryAfter !== undefined) answer.headers['Retry-After'] = retryAfterHeader(retryAfter);
      return answer;
    }
    case 'malformed-json':
      return await text(200, JSON_TYPE, '{"task_id": "abc", "status": ');
    case 'json':
      return await json(200, fault.body);
    case 'redirect':
      return { ...(await text(302, 'text/plain', '')), headers: { Location: fault.location } };
    case 'huge': {
      const bytes = fault.bytes === -1 ? Infinity : fault.bytes;
      const open = () => Readable.from(filler(bytes), { objectMode: false });
      return { status: 200, headers: { 'Content-Type': JSON_TYPE }, body: { open } };
    }
    default:
      return null;
  }
}

async function text(status: number, type: string, body: string): Promise<Answer> {
  return { status, headers: { 'Content-Type': type }, body: await contentOf(body) };
}

function retryAfterHeader(value: string | number): string {
  const seconds = /^date:\+(\d+)$/.exec(String(value))?.[1];
  return seconds === undefined ? String(value) : new Date(Date.now() + Number(seconds) * 1_000).toUTCString();
}

/** One JSON string of so many bytes: well formed, so only its size is wrong. */
function* filler(bytes: number): Generator<Buffer> {
  const block = Buffer.alloc(64 * 1024, 'x');
  yield Buffer.from('"');
  let left = bytes - 2;
  for (; left > block.length; left -= block.length) yield block;
  yield block.subarray(0, Math.max(0, left));
  yield Buffer.from('"');
}
