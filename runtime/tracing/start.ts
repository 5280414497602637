import type { InjectedSinks } from '@temporalio/worker';
import type { Tracing } from './open-telemetry.ts';
import type { TracingSettings } from './settings.ts';
import type { TraceSinks } from './workflow.ts';

export type { Tracing };

/** Longest time that a program's end waits for a collector. */
const FLUSH_MS = 2_000;

/** Workflows tell how they ended to whoever listens; without tracing nobody does. */
export const NOBODY_LISTENS: InjectedSinks<TraceSinks> = { traces: { ended: { fn: () => undefined } } };

let started: Tracing | undefined;

/**
 * Begins to trace this process, and loads OpenTelemetry only then; without settings it does nothing. `warn` is told
 * once per outage that the collector cannot be reached, which harms nothing else.
 */
export async function startTracing(
  settings: TracingSettings | undefined,
  warn: (message: string) => void,
): Promise<Tracing | undefined> {
  if (!settings) return undefined;
  const { createTracing } = await import('./open-telemetry.ts');
  started ??= await createTracing(settings, warn);
  return started;
}

/** The last thing that a program does: sends what is left, and does not wait for a collector that is not there. */
export async function stopTracing(): Promise<void> {
  if (!started) return;
  const timer = setTimeout(() => process.exit(), FLUSH_MS);
  await started.flush();
  clearTimeout(timer);
}
