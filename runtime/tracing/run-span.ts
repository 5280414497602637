import { SpanKind, SpanStatusCode, type SpanContext } from '@opentelemetry/api';
import { hrTimeDuration, millisToHrTime } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { WorkflowInfo } from '@temporalio/workflow';
import type { EndedRun } from './workflow.ts';

/** Makes the span of a run out of what the workflow has told; its ids are not ours to draw. */
export function endedRunSink(processor: SpanProcessor, resource: Resource) {
  return ({ workflowId, workflowType, runId, attempt, taskQueue }: WorkflowInfo, run: EndedRun): void => {
    const { span, parentSpanId, errorType } = run;
    const startTime = millisToHrTime(run.startedAt);
    const endTime = millisToHrTime(run.endedAt);
    const parent: SpanContext | undefined = parentSpanId ? { ...span, spanId: parentSpanId } : undefined;
    processor.onEnd({
      name: `RunWorkflow:${workflowType}`,
      kind: SpanKind.INTERNAL,
      spanContext: () => span,
      ...(parent && { parentSpanContext: parent }),
      startTime,
      endTime,
      duration: hrTimeDuration(startTime, endTime),
      ended: true,
      status: { code: errorType ? SpanStatusCode.ERROR : SpanStatusCode.OK },
      attributes: {
        temporalWorkflowId: workflowId,
        run_id: runId,
        attempt,
        task_queue: taskQueue,
        ...run.facts,
        ...(errorType && { 'error.type': errorType }),
      },
      links: [],
      events: [],
      resource,
      instrumentationScope: { name: 'sales-increment' },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    });
  };
}
