import { context, propagation, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ClientInterceptors } from '@temporalio/client';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import { createExporter } from './exporter.ts';
import { errorType } from './facts.ts';
import { activityInterceptors, clientInterceptors } from './interceptors.ts';
import { endedRunSink } from './run-span.ts';
import type { TracingSettings } from './settings.ts';
import { useSpans, type MakeSpan } from './span.ts';
import type { TraceSinks } from './workflow.ts';

/** What a client and a worker need in order to be traced. */
export interface Tracing {
  client: ClientInterceptors;
  activity: readonly ActivityInterceptorsFactory[];
  sinks: InjectedSinks<TraceSinks>;
  /** Sends what is left. */
  flush(): Promise<void>;
}

/** OpenTelemetry, set up for this process. Only what is traced may import this file. */
export async function createTracing(
  settings: TracingSettings,
  warn: (message: string) => void,
): Promise<Tracing> {
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': settings.serviceName }))
    .merge(detectResources({ detectors: [envDetector] }));
  const processor = new BatchSpanProcessor(await createExporter(settings, warn));
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const tracer = trace.getTracer('sales-increment');
  useSpans(spansWith(tracer));
  return {
    client: clientInterceptors(tracer),
    activity: activityInterceptors(tracer),
    sinks: { traces: { ended: { fn: endedRunSink(processor, resource) } } },
    // A failure was told already.
    flush: () => provider.shutdown().catch(() => undefined),
  };
}

/** Only within another span: what no run has asked for, such as the look at how fresh the mart is, has none. */
function spansWith(tracer: Tracer): MakeSpan {
  return (name, facts, work) => {
    if (!trace.getActiveSpan()) return work({ note: () => undefined });
    return tracer.startActiveSpan(name, { kind: SpanKind.CLIENT, attributes: facts }, async (span) => {
      try {
        return await work({ note: (more) => span.setAttributes(more) });
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', errorType(error));
        throw error;
      } finally {
        span.end();
      }
    });
  };
}
