import type { ClientInterceptors } from '@temporalio/client';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import type { TracingSettings } from './settings.ts';
import type { TraceSinks } from './workflow.ts';

/** What a client and a worker need in order to be traced. */
export interface Tracing {
  client: ClientInterceptors;
  activity: readonly ActivityInterceptorsFactory[];
  sinks: InjectedSinks<TraceSinks>;
  /** Sends what is left. */
  flush(): Promise<void>;
}

export const NO_TRACING: Tracing = {
  client: {},
  activity: [],
  sinks: { traces: { ended: { fn: () => undefined } } },
  flush: () => Promise.resolve(),
};

/** Longest time that a program's end waits for a collector. */
const FLUSH_MS = 2_000;

let tracing = NO_TRACING;

/**
 * Begins to trace this process, and loads OpenTelemetry only then; without settings it does nothing. `warn` is called,
 * not too often, when the collector cannot be reached, which harms nothing else.
 */
export async function startTracing(
  settings: TracingSettings | undefined,
  warn: (message: string) => void,
): Promise<Tracing> {
  if (settings && tracing === NO_TRACING) {
    const { createTracing } = await import('./open-telemetry.ts');
    tracing = await createTracing(settings, warn);
  }
  return tracing;
}

/** The last thing that a program does: sends what is left, and does not wait for a collector that is not there. */
export async function stopTracing(): Promise<void> {
  const timer = setTimeout(() => process.exit(), FLUSH_MS);
  await tracing.flush();
  clearTimeout(timer);
}
