import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { PayloadCodec } from '@temporalio/common';
import { jsonOf, payloadsOf } from './json-payloads.ts';

/** Temporal's own messages are at most 4 MB; base64 and a page of events take more. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

export interface CodecServerOptions {
  /** Host names by which it may be called. A page that has its own name point here is so refused (DNS rebinding). */
  hosts: readonly string[];
  /** The origin of the UI, whose pages may call it from a browser. */
  origin: string;
  /** Undefined: none is asked for. */
  token: string | undefined;
  /** Whether it encrypts as well. */
  encodes: boolean;
}

class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Temporal's codec server protocol: the UI sends encrypted payloads to `/decode` and shows what comes back.
 */
export function codecServer(codec: PayloadCodec, options: CodecServerOptions): Server {
  const headers = {
    'Access-Control-Allow-Origin': options.origin,
    'Access-Control-Allow-Headers': 'content-type,x-namespace,authorization',
    'Access-Control-Allow-Methods': 'POST, OPTIONS',
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
  };
  const handle = async (request: IncomingMessage): Promise<object | undefined> => {
    checkCaller(request, options);
    if (request.method === 'OPTIONS') return undefined;
    checkToken(request, options.token);
    const work = /^\/(?:[^?]*\/)?(decode|encode)(?:\?|$)/.exec(request.url ?? '')?.[1];
    if (request.method !== 'POST' || !work) throw new Refused(404, 'Expected POST to /decode.');
    if (work === 'encode' && !options.encodes)
      throw new Refused(403, 'This server does not encrypt: CODEC_SERVER_ENCODE is not set.');
    const payloads = payloadsOf(await bodyOf(request));
    return jsonOf(await codec[work as 'decode' | 'encode'](payloads));
  };
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    handle(request).then(
      (body) => response.writeHead(body ? 200 : 204, headers).end(body && JSON.stringify(body)),
      (error: unknown) => {
        const { status = 400, message } = error as Partial<Refused>;
        // What is left of a body is not read.
        response
          .writeHead(status, { ...headers, Connection: 'close' })
          .end(JSON.stringify({ error: message }));
      },
    );
  });
  return server;
}

/** A name or an address, and a port; nothing that a URL would be read around, such as `localhost/evil` or `me@localhost`. */
const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i;

function checkCaller({ headersDistinct, headers }: IncomingMessage, options: CodecServerOptions): void {
  const [host = '', ...others] = headersDistinct.host ?? [];
  const name = HOST.exec(host)?.[1]?.toLowerCase();
  if (name === undefined || others.length > 0 || !options.hosts.includes(name))
    throw new Refused(421, 'This server is not called by that Host.');
  const { origin } = headers;
  if (origin !== undefined && origin !== options.origin)
    throw new Refused(403, `Only pages of ${options.origin} (TEMPORAL_UI_URL) may call this server.`);
}

function checkToken({ headers }: IncomingMessage, token: string | undefined): void {
  if (token === undefined) return;
  const hash = (text: string) => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(hash(headers.authorization ?? ''), hash(`Bearer ${token}`)))
    throw new Refused(401, 'Expected "Authorization: Bearer" with CODEC_SERVER_TOKEN.');
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The connection stays, for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new Refused(413, `The request is larger than ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
