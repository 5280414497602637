/** What a span tells: names, counts and codes that are fit for anybody's eyes, never an address with its query. */
export type SpanFacts = Readonly<Record<string, string | number>>;

export interface OpenSpan {
  /** Facts that are known only later. */
  note(facts: SpanFacts): void;
}

export type MakeSpan = <T>(
  name: string,
  facts: SpanFacts,
  work: (span: OpenSpan) => Promise<T>,
) => Promise<T>;

const NO_SPAN: OpenSpan = { note: () => undefined };
const withoutSpan: MakeSpan = (_name, _facts, work) => work(NO_SPAN);

let makeSpan = withoutSpan;

/** From now on `inSpan` makes spans. */
export function useSpans(make: MakeSpan): void {
  makeSpan = make;
}

/** Does the work within a span, as part of the span around it; without tracing it only does the work. */
export function inSpan<T>(name: string, facts: SpanFacts, work: (span: OpenSpan) => Promise<T>): Promise<T> {
  return makeSpan(name, facts, work);
}

export const SQL_FACTS: SpanFacts = { 'db.system.name': 'postgresql' };

/** Of an HTTP call: the host and no more, since path and query can be secrets. */
export function httpFacts(method: string, { hostname, port, protocol }: URL): SpanFacts {
  return {
    'http.request.method': method,
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}
