import type { Headers } from '@temporalio/common';
import {
  ContinueAsNew,
  proxySinks,
  workflowInfo,
  type Sinks,
  type WorkflowInterceptors,
} from '@temporalio/workflow';
import { attributesOf, errorType } from './attributes.ts';
import { callerOf, spanOfRun, withCaller, type SpanContext } from './span-context.ts';

/** What a workflow reports about its run when it has ended. */
export interface EndedRun {
  span: SpanContext;
  parent: SpanContext | undefined;
  /** Milliseconds since 1970. */
  startedAt: number;
  endedAt: number;
  attributes: Record<string, string>;
  /** Undefined: it ended well, or goes on as new. */
  errorType: string | undefined;
}

export interface TraceSinks extends Sinks {
  traces: { ended(run: EndedRun): void };
}

/**
 * Part of every workflow, traced or not, because it changes nothing: each call returns the very promise that it was
 * given, so no step comes earlier or later by it, and no random number is drawn. A run that has begun untraced goes on
 * traced and the other way round. Headers go on only where some came in; a history without stays without.
 */
export function interceptors(): WorkflowInterceptors {
  let run: SpanContext | undefined;
  const handOn = <I extends { headers: Headers }>(input: I): I =>
    run ? { ...input, headers: withCaller(input.headers, run) } : input;
  return {
    inbound: [
      {
        execute(input, next) {
          const parent = callerOf(input.headers);
          const span = spanOfRun(workflowInfo().runId, parent);
          if (parent) run = span;
          const startedAt = Date.now();
          const ended = (type: string | undefined, attributes: Record<string, string>) =>
            proxySinks<TraceSinks>().traces.ended({
              span,
              parent,
              startedAt,
              endedAt: Date.now(),
              attributes,
              errorType: type,
            });
          const work = next(input);
          void work.then(
            // A scheduled run learns its date on the way.
            (result) =>
              ended(
                undefined,
                attributesOf([...input.args, (result as { date?: unknown } | undefined)?.date]),
              ),
            (error: unknown) => {
              const type = error instanceof ContinueAsNew ? undefined : errorType(error);
              // An input that the codec refuses must not be looked at.
              ended(type, type === 'InvalidInput' ? {} : attributesOf(input.args));
            },
          );
          return work;
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(handOn(input)),
        startChildWorkflowExecution: (input, next) => next(handOn(input)),
        continueAsNew: (input, next) => next(handOn(input)),
        getLogAttributes: (input, next) => next(run ? { ...input, trace_id: run.traceId } : input),
      },
    ],
  };
}
