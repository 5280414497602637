import { Readable } from 'node:stream';
import { type Content, contentOf } from './content.ts';
import type { Fault } from './faults.ts';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Content;
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
    case 'endless':
      return {
        status: 200,
        headers: { 'Content-Type': JSON_TYPE },
        body: { open: () => Readable.from(filler(), { objectMode: false }) },
      };
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

/** A JSON string without an end. */
function* filler(): Generator<Buffer> {
  yield Buffer.from('"');
  for (const block = Buffer.alloc(64 * 1024, 'x'); ;) yield block;
}
