import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, RandomIdGenerator } from '@opentelemetry/sdk-trace-base';
import type { ClientInterceptors } from '@temporalio/client';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';
import { describeNetworkError } from '../network-error.ts';
import { attributesOf, errorType } from './attributes.ts';
import type { TracingSettings } from './settings.ts';
import { callerOf, spanOfRun, withCaller, type SpanContext } from './span-context.ts';
import { setWithSpan } from './span.ts';
import type { Tracing } from './start.ts';
import type { EndedRun, TraceSinks } from './workflow.ts';

const WARN_EVERY_MS = 3_600_000;

/** OpenTelemetry, set up for this process. Only what is traced may import this file. */
export async function createTracing(
  { serviceName, protocol }: TracingSettings,
  warn: (message: string) => void,
): Promise<Tracing> {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  warnOfLostSpans(warn);
  const random = new RandomIdGenerator();
  const ids: RunIds = { ofNextSpan: undefined };
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': serviceName }))
      .merge(detectResources({ detectors: [envDetector] })),
    idGenerator: {
      generateTraceId: () => ids.ofNextSpan?.traceId ?? random.generateTraceId(),
      generateSpanId: () => ids.ofNextSpan?.spanId ?? random.generateSpanId(),
    },
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracer = provider.getTracer('sales-increment');
  setWithSpan((name, attributes, work) => {
    // Work that is part of no run, such as measuring how fresh the mart is, has no span.
    if (!trace.getActiveSpan()) return work({ setAttributes: () => undefined });
    return tracer.startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, (span) =>
      during(span, () => work(span)),
    );
  });
  return {
    client: clientInterceptors(tracer),
    activity: [activityInterceptor(tracer)],
    sinks: runSink(tracer, ids),
    flush: () => provider.shutdown().catch(() => undefined),
  };
}

/**
 * Ends the span with the work. A message can quote a value: PostgreSQL's has the one that a statement was given. It
 * stands in the log and in Temporal's history; a span has the error's type.
 */
async function during<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    setError(span, errorType(error));
    throw error;
  } finally {
    span.end();
  }
}

function setError(span: Span, type: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', type);
}

/** A span for what the client starts; not for its queries, which ask every moment how far a run is. */
function clientInterceptors(tracer: Tracer): ClientInterceptors {
  return {
    workflow: [
      {
        startWithDetails({ headers, workflowType, options }, next) {
          const { workflowId, args } = options;
          const attributes = { temporalWorkflowId: workflowId, ...attributesOf(args) };
          return tracer.startActiveSpan(`StartWorkflow:${workflowType}`, { attributes }, (span) =>
            during(span, async () => {
              const traced = withCaller(headers, span.spanContext());
              const started = await next({ headers: traced, workflowType, options });
              span.setAttribute('run_id', started.runId);
              return started;
            }),
          );
        },
      },
    ],
  };
}

/** A span for every attempt of an activity, beneath that of its run. */
function activityInterceptor(tracer: Tracer): ActivityInterceptorsFactory {
  return ({ info }) => {
    const { workflowId = '', runId = '' } = info.workflowExecution ?? {};
    let run = spanOfRun(runId, undefined);
    return {
      inbound: {
        execute(input, next) {
          run = callerOf(input.headers) ?? run;
          const attributes = {
            temporalWorkflowId: workflowId,
            run_id: runId,
            attempt: info.attempt,
            task_queue: info.taskQueue,
            ...attributesOf(input.args),
          };
          return tracer.startActiveSpan(
            `RunActivity:${info.activityType}`,
            { attributes },
            contextOf(run),
            (span) => during(span, () => next(input)),
          );
        },
      },
      // The SDK's own lines as well, which it writes before and after the span.
      outbound: { getLogAttributes: (input, next) => next({ ...input, trace_id: run.traceId }) },
    };
  };
}

/** The span of a run has ids that follow from the run's; all others are random. */
interface RunIds {
  ofNextSpan: SpanContext | undefined;
}

/** The span of a run, made when it has ended. */
function runSink(tracer: Tracer, ids: RunIds): InjectedSinks<TraceSinks> {
  const fn = (info: WorkflowInfo, run: EndedRun) => {
    const attributes = {
      temporalWorkflowId: info.workflowId,
      run_id: info.runId,
      attempt: info.attempt,
      task_queue: info.taskQueue,
      ...run.attributes,
    };
    const options = { startTime: run.startedAt, attributes };
    ids.ofNextSpan = run.span;
    const span = tracer.startSpan(`RunWorkflow:${info.workflowType}`, options, contextOf(run.parent));
    ids.ofNextSpan = undefined;
    if (run.errorType !== undefined) setError(span, run.errorType);
    span.end(run.endedAt);
  };
  return { traces: { ended: { fn } } };
}

function contextOf(span: SpanContext | undefined): Context {
  return span ? trace.setSpanContext(ROOT_CONTEXT, { ...span, isRemote: true }) : ROOT_CONTEXT;
}

function warnOfLostSpans(warn: (message: string) => void): void {
  let warnedAt = -Infinity;
  setGlobalErrorHandler((error) => {
    if (performance.now() - warnedAt < WARN_EVERY_MS) return;
    warnedAt = performance.now();
    const { code } = error as { code?: unknown };
    const reason = typeof code === 'number' ? `the collector answered ${code}` : describeNetworkError(error);
    warn(`Traces cannot be sent: ${reason.slice(0, 200)}. Nothing else waits for them.`);
  });
}
