import { Runtime } from '@temporalio/worker';
import { createLogger } from '../../runtime/logger.ts';

let installed = false;

/** Warnings of a worker are part of many tests; they are shown with TEST_LOG=INFO. */
export function installRuntime(): void {
  if (installed) return;
  installed = true;
  const level = process.env.TEST_LOG === 'INFO' ? 'INFO' : 'ERROR';
  Runtime.install({ logger: createLogger(level), shutdownSignals: [] });
}
