import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { describeNetworkError } from '../network-error.ts';
import type { TracingSettings } from './settings.ts';

/** The one way out of this process for spans. */
export async function createExporter(
  { protocol }: TracingSettings,
  warn: (message: string) => void,
): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  const exporter = new OTLPTraceExporter();
  let isLost = false;
  return {
    export(spans, done) {
      exporter.export(spans.map(withoutMessages), (result) => {
        const fails = result.code !== ExportResultCode.SUCCESS;
        if (fails && !isLost)
          warn(`Traces cannot be sent: ${describe(result.error)}. Nothing else waits for them.`);
        isLost = fails;
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}

/**
 * A message can quote a value: PostgreSQL's tells the one that a statement was given. What went wrong stands in the
 * log and in Temporal's history; a span says where, and the error's type.
 */
function withoutMessages(span: ReadableSpan): ReadableSpan {
  const { status, events } = span;
  return Object.create(span, {
    status: { value: { code: status.code } },
    events: { value: events.filter(({ name }) => name !== 'exception') },
  }) as ReadableSpan;
}

function describe(error: Error | undefined): string {
  if (!error) return 'the collector did not take them';
  const { code } = error as { code?: unknown };
  const status = typeof code === 'number' ? `the collector answered ${code}` : '';
  return (status || describeNetworkError(error)).slice(0, 200);
}
