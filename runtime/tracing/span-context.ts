import { defaultPayloadConverter, type Headers } from '@temporalio/common';

/** The header in which Temporal's interceptors hand a trace on: a W3C carrier, in every language's SDK the same. */
const HEADER = '_tracer-data';
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED = 1;

/** What refers to a span, of this process or another. */
export interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

/** The span that a call came from; undefined without one, or with one that cannot be read. */
export function callerOf(headers: Headers): SpanContext | undefined {
  const payload = headers[HEADER];
  if (!payload) return undefined;
  try {
    const { traceparent } = defaultPayloadConverter.fromPayload<{ traceparent?: string }>(payload);
    const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
    if (!traceId || !spanId || !flags) return undefined;
    return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
  } catch {
    return undefined;
  }
}

/** The same headers, with the span that the call comes from. */
export function withCaller(headers: Headers, { traceId, spanId, traceFlags }: SpanContext): Headers {
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  return { ...headers, [HEADER]: defaultPayloadConverter.toPayload({ traceparent }) };
}

/**
 * The span of a workflow run. Its ids follow from the run's own id, a UUID, so that the workflow and its activities
 * agree about it wherever they run, with no random number and nothing that a history would have to hold: a run that
 * nobody's trace has started (the schedule's, the UI's) has its run id as trace id.
 */
export function spanOfRun(runId: string, caller: SpanContext | undefined): SpanContext {
  const id = runId.replaceAll('-', '');
  return { traceId: caller?.traceId ?? id, spanId: id.slice(16), traceFlags: caller?.traceFlags ?? SAMPLED };
}
