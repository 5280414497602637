import { trace, type Tracer } from '@opentelemetry/api';
import type { ClientInterceptors } from '@temporalio/client';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
// Not the package's index: that loads a second OpenTelemetry SDK, of an older line.
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import { OpenTelemetryActivityInboundInterceptor } from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import { errorType, factsOf } from './facts.ts';
import { callerOf, spanOfRun, withCaller, type SpanRef } from './run-trace.ts';

/** A span for what the client starts; not for its queries, which ask every moment how far a run is. */
export function clientInterceptors(tracer: Tracer): ClientInterceptors {
  const spans = new OpenTelemetryWorkflowClientInterceptor({ tracer });
  return {
    workflow: [
      { startWithDetails: (input, next) => spans.startWithDetails(input, next) },
      {
        startWithDetails: (input, next) => {
          trace.getActiveSpan()?.setAttributes(factsOf(input.options.args));
          return next(input);
        },
      },
    ],
  };
}

/** A span for every try of an activity, beneath that of its run. */
export function activityInterceptors(tracer: Tracer): ActivityInterceptorsFactory[] {
  return [
    ({ info: { workflowExecution } }) => {
      let run: SpanRef | undefined;
      return {
        inbound: {
          execute(input, next) {
            run = callerOf(input.headers);
            if (run || !workflowExecution) return next(input);
            run = spanOfRun(workflowExecution.runId, undefined);
            return next({ ...input, headers: withCaller(input.headers, run) });
          },
        },
        // The SDK's own lines as well, which it writes before and after the span.
        outbound: {
          getLogAttributes: (input, next) => next(run ? { ...input, trace_id: run.traceId } : input),
        },
      };
    },
    (context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(context, { tracer }) }),
    ({ info: { attempt, taskQueue } }) => ({
      inbound: {
        async execute(input, next) {
          const span = trace.getActiveSpan();
          span?.setAttributes({ ...factsOf(input.args), attempt, task_queue: taskQueue });
          try {
            return await next(input);
          } catch (error) {
            span?.setAttribute('error.type', errorType(error));
            throw error;
          }
        },
      },
    }),
  ];
}
