import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { workflowFailure, type FailureText } from '../../client/failure-text.ts';
import type { RecordedRequest } from '../../dev/sample-api/server.ts';
import * as processes from '../support/processes.ts';
import { TestStack, type StackOptions } from '../support/stack.ts';

/** A stack for one test, closed when the test ends. */
export async function stackFor(t: TestContext, options: StackOptions = {}): Promise<TestStack> {
  const stack = await TestStack.start(options);
  t.after(() => stack.close());
  return stack;
}

/** How a run failed; throws when it did not. */
export async function failureOf(run: Promise<unknown>): Promise<FailureText> {
  try {
    await run;
  } catch (error) {
    return workflowFailure(error);
  }
  throw new Error('The run was to fail, but it ended well.');
}

/** The requests of one call, or of storage for one file. */
export function callsOf(
  stack: TestStack,
  endpoint: RecordedRequest['endpoint'],
  file = '',
): RecordedRequest[] {
  return stack.api.requests.filter((r) => r.endpoint === endpoint && r.path.includes(file));
}

/** Waits until `condition` holds; throws after `limitMs`, which is there to end what hangs. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 240_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Not within ${limitMs / 1_000} s: ${what}.`);
    await sleep(20);
  }
}

/** A worker process of a stack; killed when the test ends. */
export async function startWorkerProcess(
  t: TestContext,
  stack: TestStack,
  settings: Record<string, string> = {},
): Promise<processes.Running> {
  const worker = await processes.startWorkerProcess({ ...stack.environment, ...settings });
  t.after(() => kill(worker));
  return worker;
}

/** kill -9, and waits until the process is gone. */
export async function kill(process: processes.Running): Promise<void> {
  process.kill('SIGKILL');
  await process.ended;
}
