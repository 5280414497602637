import path from 'node:path';
import { Readable } from 'node:stream';
import { spec, type TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';
import { NO_REAL_DATA, NOT_ROOT } from './left-out.ts';

/** Node 20 reports tests that `--test-name-pattern` and `--test-only` leave out as skipped. */
const NOT_ASKED_FOR = /^(?:test name does not match pattern|'only' option not set)/;

/**
 * What `npm test` prints: on a terminal Node's spec reporter, elsewhere a line per file, failures in full, and Node's
 * summary; then the tests that were left out. With CI set they make the run fail, but for those that need the real data.
 */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const leftOut = new Map<string, string[]>();
  async function* watched() {
    for await (const event of events) {
      if (event.type === 'test:pass' || event.type === 'test:fail') {
        const { skip, todo, name, file } = event.data;
        const reason = skip ?? todo;
        if (reason !== undefined && reason !== false && !NOT_ASKED_FOR.test(String(reason))) {
          const why = typeof reason === 'string' ? reason : 'no reason given';
          leftOut.set(why, [...(leftOut.get(why) ?? []), `${relative(file)}: ${name}`]);
        }
      }
      yield event;
    }
  }
  if (process.stdout.isTTY && !process.env.CI) {
    for await (const text of Readable.from(watched()).compose(new spec())) yield String(text);
    yield* describe(leftOut);
  } else {
    yield* brief(watched(), () => describe(leftOut));
  }
  if (process.env.CI && [...leftOut.keys()].some((reason) => ![NO_REAL_DATA, NOT_ROOT].includes(reason)))
    process.exitCode = 1;
  // A process that a test has left behind may hold this one's standard error open.
  setTimeout(() => process.exit(), 1_000).unref();
}

async function* brief(
  events: AsyncIterable<TestEvent>,
  beforeSummary: () => Iterable<string>,
): AsyncGenerator<string> {
  const titles: string[] = [];
  const failed: string[] = [];
  const summary: string[] = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      titles.length = data.nesting;
      titles.push(data.name);
    } else if (type === 'test:complete') {
      // In the order in which files end; what happened in them follows in the order of their start.
      if (data.file !== undefined && path.resolve(data.name) === data.file) {
        const seconds = (data.details.duration_ms / 1_000).toFixed(1).padStart(6);
        yield `${data.details.error ? 'FAILED' : 'passed'} ${seconds} s  ${relative(data.file)}\n`;
      }
    } else if (type === 'test:fail') {
      const { error } = data.details as { error: Error & { failureType?: string } };
      if (error.failureType === 'subtestsFailed') continue;
      titles.length = data.nesting;
      const title = `${relative(data.file)}: ${[...titles, data.name].join(' > ')}`;
      failed.push(title);
      yield `\nFAILED: ${title}\n${inspect(error.cause ?? error, { depth: 10 }).replace(/^/gm, '  ')}\n\n`;
    } else if (type === 'test:stdout' || type === 'test:stderr') {
      yield data.message;
    } else if (type === 'test:diagnostic') {
      if (data.file === undefined) summary.push(`# ${data.message}\n`);
      else yield `  ${relative(data.file)}: ${data.message}\n`;
    }
  }
  yield* beforeSummary();
  if (failed.length > 0) yield `\nFailed:\n${failed.map((title) => `  ${title}\n`).join('')}`;
  yield `\n${summary.join('')}`;
}

function* describe(leftOut: ReadonlyMap<string, string[]>): Generator<string> {
  for (const [reason, tests] of leftOut)
    yield `\nLeft out, ${reason}:\n${tests.map((title) => `  ${title}\n`).join('')}`;
}

function relative(file = ''): string {
  return path.relative(process.cwd(), file);
}
