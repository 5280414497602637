import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Payload, PayloadCodec } from '@temporalio/common';

const MAX_BODY_BYTES = 16 * 1024 * 1024;

interface JsonPayload {
  metadata?: Record<string, string>;
  data?: string;
}

/**
 * Temporal's codec server protocol: the UI sends encrypted payloads to `/decode` and shows what comes back. Only pages
 * of `allowedOrigin`, the UI's own, may call it from a browser.
 */
export function codecServer(codec: PayloadCodec, allowedOrigin: string): Server {
  return createServer((request, response) => {
    const headers = {
      'Access-Control-Allow-Origin': allowedOrigin,
      'Access-Control-Allow-Headers': 'content-type,x-namespace,authorization',
      'Access-Control-Allow-Methods': 'POST, OPTIONS',
      'Content-Type': 'application/json',
    };
    const answer = (status: number, body: object) =>
      response.writeHead(status, headers).end(JSON.stringify(body));
    if (request.method === 'OPTIONS') {
      response.writeHead(204, headers).end();
      return;
    }
    const path = request.url?.split('?')[0] ?? '';
    const work = path.endsWith('/decode') ? 'decode' : path.endsWith('/encode') ? 'encode' : undefined;
    if (request.method !== 'POST' || !work) {
      answer(404, { error: 'Expected POST to /decode or /encode.' });
      return;
    }
    payloadsOf(request)
      .then((payloads) => codec[work](payloads))
      .then(
        (payloads) => answer(200, { payloads: payloads.map(toJson) }),
        (error: unknown) => answer(400, { error: error instanceof Error ? error.message : String(error) }),
      );
  });
}

async function payloadsOf(request: IncomingMessage): Promise<Payload[]> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new Error('The request is too large.');
    chunks.push(chunk as Buffer);
  }
  const { payloads } = JSON.parse(Buffer.concat(chunks).toString()) as { payloads?: JsonPayload[] };
  if (!Array.isArray(payloads)) throw new Error('Expected {"payloads": […]}.');
  return payloads.map(({ metadata = {}, data = '' }) => ({
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')]),
    ),
    data: Buffer.from(data, 'base64'),
  }));
}

function toJson({ metadata, data }: Payload): JsonPayload {
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(data ?? []).toString('base64'),
  };
}
