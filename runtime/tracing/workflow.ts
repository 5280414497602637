import {
  ContinueAsNew,
  proxySinks,
  workflowInfo,
  type Sinks,
  type WorkflowExecuteInput,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptors,
  type WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import type { Headers } from '@temporalio/common';
import { errorType, factsOf } from './facts.ts';
import { callerOf, spanOfRun, withCaller, type SpanRef } from './run-trace.ts';

/** What a workflow tells about its run when it has ended. */
export interface EndedRun {
  span: SpanRef;
  parentSpanId: string | undefined;
  /** Milliseconds since 1970. */
  startedAt: number;
  endedAt: number;
  facts: Record<string, string>;
  /** Undefined: it ended well, or goes on as new. */
  errorType: string | undefined;
}

export interface TraceSinks extends Sinks {
  traces: { ended(run: EndedRun): void };
}

type Inbound = Required<Pick<WorkflowInboundCallsInterceptor, 'execute'>>;
type Outbound = Required<
  Pick<
    WorkflowOutboundCallsInterceptor,
    'scheduleActivity' | 'startChildWorkflowExecution' | 'continueAsNew' | 'getLogAttributes'
  >
>;

/**
 * Part of every workflow, traced or not, because it changes nothing: each call returns the very promise that it was
 * given, so no step comes earlier or later by it, and no random number is drawn. A run that has begun untraced goes on
 * traced and the other way round. Headers go on only where some came in; a history without stays without.
 */
export function interceptors(): WorkflowInterceptors {
  let run: SpanRef | undefined;
  const handOn = <I extends { headers: Headers }>(input: I): I =>
    run ? { ...input, headers: withCaller(input.headers, run) } : input;

  const inbound: Inbound = {
    execute(input, next) {
      const caller = callerOf(input.headers);
      const span = spanOfRun(workflowInfo().runId, caller);
      if (caller) run = span;
      const startedAt = Date.now();
      const ended = (error?: unknown, result?: unknown) =>
        tell({ span, caller, startedAt, error, result }, input);
      const work = next(input);
      void work.then((result) => ended(undefined, result), ended);
      return work;
    },
  };
  const outbound: Outbound = {
    scheduleActivity: (input, next) => next(handOn(input)),
    startChildWorkflowExecution: (input, next) => next(handOn(input)),
    continueAsNew: (input, next) => next(handOn(input)),
    getLogAttributes: (input, next) => next(run ? { ...input, trace_id: run.traceId } : input),
  };
  return { inbound: [inbound], outbound: [outbound] };
}

interface Ending {
  span: SpanRef;
  caller: SpanRef | undefined;
  startedAt: number;
  error: unknown;
  result: unknown;
}

function tell({ span, caller, startedAt, error, result }: Ending, { args }: WorkflowExecuteInput): void {
  const isError = error !== undefined && !(error instanceof ContinueAsNew);
  const date = (result as { date?: unknown } | undefined)?.date;
  proxySinks<TraceSinks>().traces.ended({
    span,
    parentSpanId: caller?.spanId,
    startedAt,
    endedAt: Date.now(),
    // A scheduled run learns its date on the way.
    facts: factsOf([...args, date]),
    errorType: isError ? errorType(error) : undefined,
  });
}
