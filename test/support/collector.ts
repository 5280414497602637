import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface CollectedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  status: { code?: number; message?: string };
  service: string;
  attributes: Record<string, string | number | undefined>;
}

export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT, with the protocol http/json. */
  url: string;
  /** All that came, as it came. */
  bodies: string[];
  /** Method, path and content type of each request. */
  requests: string[];
  spans(): CollectedSpan[];
  close(): void;
}

interface Value {
  stringValue?: string;
  intValue?: string | number;
  doubleValue?: number;
}
interface Attributes {
  attributes?: { key: string; value: Value }[];
}
interface Body {
  resourceSpans: {
    resource: Attributes;
    scopeSpans: { spans: (Omit<CollectedSpan, 'attributes' | 'service'> & Attributes)[] }[];
  }[];
}

/** A collector of traces: takes OTLP over HTTP, as JSON. */
export async function startCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push([request.method, request.url, request.headers['content-type']].join(' '));
    void text(request).then((body) => {
      bodies.push(body);
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    requests,
    spans: () => bodies.flatMap((body) => spansOf(JSON.parse(body) as Body)),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function spansOf({ resourceSpans }: Body): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        service: String(valuesOf(resource)['service.name']),
        attributes: valuesOf(span),
      })),
    ),
  );
}

function valuesOf({ attributes = [] }: Attributes): CollectedSpan['attributes'] {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ??
        value.doubleValue ??
        (value.intValue === undefined ? undefined : Number(value.intValue)),
    ]),
  );
}
