import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { resetSocket } from '../services/reset-socket.ts';
import type { Fault } from './faults.ts';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** What is not there as a whole is sent without a Content-Length. */
  body: string | Buffer | Iterable<string> | AsyncIterable<Buffer>;
}

// A reset throws away what the client has not read yet, so the bytes before it get this long to arrive.
const BEFORE_RESET_MS = 30;

export function json(status: number, body: unknown): Answer {
  return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

/** The answer that a fault puts in place of the real one, if it does. */
export function inPlace(fault: Fault | undefined): Answer | undefined {
  if (fault?.do === 'endless') return { status: 200, headers: {}, body: filler() };
  if (fault?.do !== 'status') return undefined;
  const { status, headers = {}, body = '{"error": "a fault of the sample API"}' } = fault;
  return { status, headers, body };
}

/** A JSON string without an end. */
function* filler(): Generator<string> {
  yield '"';
  for (const block = 'x'.repeat(64 * 1024); ;) yield block;
}

/** Sends an answer, damaged on its way where the fault is one of the connection. */
export async function send(res: ServerResponse, answer: Answer, fault: Fault | undefined): Promise<void> {
  const { status, headers, body } = answer;
  const whole = typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : undefined;
  res.writeHead(status, { ...headers, ...(whole && { 'Content-Length': whole.length }) }).flushHeaders();
  const isCut = fault?.do === 'reset' || fault?.do === 'truncate';
  // Always at least one byte less than all of it.
  const most = isCut ? Math.min(fault.afterBytes ?? 0, whole ? whole.length - 1 : Infinity) : Infinity;
  const bytesPerSecond = fault?.do === 'trickle' ? fault.bytesPerSecond : undefined;
  const parts = partsOf(whole ? [whole] : (body as Iterable<string>), most, bytesPerSecond);
  await pipeline(parts, res, { end: !isCut });
  if (!isCut) return;
  await sleep(BEFORE_RESET_MS);
  if (fault.do === 'truncate') res.socket?.end();
  else if (res.socket) resetSocket(res.socket);
}

/** The first bytes of a body, at once or 20 times a second a few of them. */
async function* partsOf(
  body: Iterable<string | Buffer> | AsyncIterable<Buffer>,
  most: number,
  bytesPerSecond: number | undefined,
): AsyncGenerator<Buffer> {
  let left = most;
  for await (const chunk of body) {
    if (left <= 0) return;
    const bytes = (typeof chunk === 'string' ? Buffer.from(chunk) : chunk).subarray(0, left);
    left -= bytes.length;
    const size = bytesPerSecond === undefined ? bytes.length : Math.max(1, Math.floor(bytesPerSecond / 20));
    for (let at = 0; at < bytes.length; at += size) {
      yield bytes.subarray(at, at + size);
      if (bytesPerSecond !== undefined) await sleep((1_000 * size) / bytesPerSecond, null, { ref: false });
    }
  }
}
