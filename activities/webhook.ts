import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** How long the rest of an answer may take to come; then the connection is cut. */
const REST_MS = 1_000;
/**
 * The status of an answer, behind any interim ones such as `100 Continue`. Each of these ends at its first blank line: if it
 * might end at any, 20 of them would take minutes.
 */
const STATUS = /^(?:HTTP\/1\.\d 1\d\d(?:(?!\r?\n\r?\n)[^])*\r?\n\r?\n)*HTTP\/1\.\d ([2-9]\d\d)/;
/** Interim answers are a few lines. */
const MAX_HEAD = 256 * 1024;

/**
 * Posts JSON and resolves with the status of the answer, as soon as that has come: it is the receiver's word, whatever
 * follows, be it a mebibyte of headers, faults in them or half a body (contract, ruling 54). So it is read from the connection
 * itself; an HTTP client gives none where it refuses the rest. Rejects when no status comes, and when `signal` aborts.
 */
export async function postJson(url: URL, body: object, signal: AbortSignal): Promise<number> {
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    agent: false,
    signal,
  });
  return await new Promise((resolve, reject) => {
    let head = '';
    request.once('socket', (socket) => {
      const take = (chunk: Buffer) => {
        head += chunk.toString('latin1');
        const status = STATUS.exec(head)?.[1];
        if (status === undefined && head.length < MAX_HEAD) return;
        socket.off('data', take);
        if (status === undefined) request.destroy(new Error('the answer has no status'));
        else resolve(Number(status));
        setTimeout(() => request.destroy(), REST_MS).unref();
      };
      socket.prependListener('data', take);
    });
    request.on('error', reject);
    request.on('close', () => reject(new Error('the connection was closed without an answer')));
    request.end(JSON.stringify(body));
  });
}
