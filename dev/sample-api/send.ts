import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { resetSocket } from '../services/reset-socket.ts';
import type { Answer } from './answer.ts';
import type { Fault } from './faults.ts';

// A reset throws away what the client has not read yet, so the bytes before it get this long to arrive.
const BEFORE_RESET_MS = 30;

/** Sends an answer, damaged on its way where the fault is one of the connection. */
export async function send(res: ServerResponse, answer: Answer, fault: Fault | null): Promise<void> {
  const head = (): void => {
    const length = answer.body.size === undefined ? {} : { 'Content-Length': answer.body.size };
    res.writeHead(answer.status, { ...answer.headers, ...length });
    res.flushHeaders();
  };
  switch (fault?.do) {
    case 'reset':
      if (fault.afterBytes !== undefined) {
        head();
        await writePart(res, answer, fault.afterBytes);
        await sleep(BEFORE_RESET_MS);
      }
      if (res.socket) resetSocket(res.socket);
      return;
    case 'truncate':
      head();
      await writePart(res, answer, fault.afterBytes);
      res.socket?.end();
      return;
    case 'trickle':
      head();
      await trickle(res, answer.body.open(), fault.bytesPerSecond);
      return;
    default:
      head();
      await pipeline(answer.body.open(), res);
  }
}

/** Writes the first bytes of the body, and always at least one byte less than all of it. */
async function writePart(res: ServerResponse, { body }: Answer, bytes: number): Promise<void> {
  let left = Math.min(bytes, body.size === undefined ? bytes : body.size - 1);
  for await (const chunk of buffers(body.open())) {
    if (left <= 0) break;
    await write(res, chunk.subarray(0, left));
    left -= chunk.length;
  }
}

async function trickle(res: ServerResponse, body: Readable, bytesPerSecond: number): Promise<void> {
  const size = Math.max(1, Math.floor(bytesPerSecond / 20));
  for await (const chunk of buffers(body)) {
    for (let at = 0; at < chunk.length; at += size) {
      await write(res, chunk.subarray(at, at + size));
      await sleep((1_000 * size) / bytesPerSecond, null, { ref: false });
      if (res.destroyed) return;
    }
  }
  res.end();
}

async function* buffers(body: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of body as AsyncIterable<Buffer | string>) {
    yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  }
}

async function write(res: ServerResponse, bytes: Buffer): Promise<void> {
  if (res.destroyed || res.write(bytes)) return;
  await Promise.race([once(res, 'drain'), once(res, 'close')]);
}
