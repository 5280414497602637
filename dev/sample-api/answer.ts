import { Readable } from 'node:stream';
import { type Content, contentOf } from './content.ts';
import type { FaultAction } from './faults.ts';

/** What is to be sent; a body without a `size` is sent without a Content-Length. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Pick<Content, 'open'> & { size?: number };
}

export async function json(status: number, body: unknown): Promise<Answer> {
  return await text(status, 'application/json; charset=utf-8', JSON.stringify(body));
}

/** An error of object storage, in its own XML. */
export async function storageError(status: number, code: string, message: string): Promise<Answer> {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return await text(status, 'application/xml', body);
}

/** The answer that a fault puts in place of the real one, or null when the real one is sent (perhaps spoiled). */
export async function answerOf(action: FaultAction | null): Promise<Answer | null> {
  switch (action?.kind) {
    case 'status': {
      const answer =
        action.body === undefined
          ? await json(action.status, { error: `the sample API was told to answer ${action.status}` })
          : await text(action.status, 'text/plain; charset=utf-8', action.body);
      if (action.retryAfter !== undefined) answer.headers['Retry-After'] = retryAfter(action.retryAfter);
      return answer;
    }
    case 'malformed-json':
      return await text(200, 'application/json; charset=utf-8', '{"task_id": "abc", "status": ');
    case 'json':
      return await json(200, action.body);
    case 'redirect':
      return { ...(await text(302, 'text/plain', '')), headers: { Location: action.location } };
    case 'huge': {
      const { bytes } = action;
      const headers = { 'Content-Type': 'application/json; charset=utf-8' };
      return {
        status: 200,
        headers,
        body: { open: () => Readable.from(filler(bytes), { objectMode: false }) },
      };
    }
    default:
      return null;
  }
}

async function text(status: number, type: string, body: string): Promise<Answer> {
  return { status, headers: { 'Content-Type': type }, body: await contentOf(body) };
}

function retryAfter(value: string | number): string {
  const ahead = /^date:\+(\d+)$/.exec(String(value))?.[1];
  return ahead === undefined ? String(value) : new Date(Date.now() + Number(ahead) * 1_000).toUTCString();
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
