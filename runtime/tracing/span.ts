/** Names, counts and codes that are fit for anybody's eyes: never an address with its query, never a message. */
export type Attributes = Readonly<Record<string, string | number>>;

/** A span that is open. */
export interface Span {
  setAttributes(attributes: Attributes): unknown;
}

export type WithSpan = <T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
) => Promise<T>;

const NO_SPAN: Span = { setAttributes: () => undefined };

let implementation: WithSpan = (_name, _attributes, work) => work(NO_SPAN);

export function setWithSpan(withSpan: WithSpan): void {
  implementation = withSpan;
}

/** Does the work within a span, as part of the span around it; without tracing it only does the work. */
export const withSpan: WithSpan = (name, attributes, work) => implementation(name, attributes, work);

/** Of a statement, by the name of its file in sql/: its text and values stay out of spans. */
export function sqlAttributes(database: string | undefined, summary: string): Attributes {
  return {
    'db.system.name': 'postgresql',
    'db.query.summary': summary,
    ...(database !== undefined && { 'db.namespace': database }),
  };
}

/** Of an HTTP call: the host and no more, since path and query can be secrets. */
export function httpAttributes(method: string, { hostname, port, protocol }: URL): Attributes {
  return {
    'http.request.method': method,
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}
